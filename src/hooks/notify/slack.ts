import type { HookConfigOf } from '../../config/hooks-schema.ts';
import type { Hook } from '../hook.ts';
import type { HookHost } from '../host.ts';
import { resolveUrl } from '../http.ts';
import { type Message, messageFor, shorten } from './message.ts';
import { postingHook } from './post.ts';

/** Slack's limits, in characters: https://docs.slack.dev/reference/block-kit/blocks. */
const MAX_HEADER = 150;
const MAX_SECTION = 3000;

/**
 * An incoming webhook of Slack, or of Mattermost, which shows `text` where Slack shows the blocks. Neither knows
 * an idempotency key.
 */
export function slackHook(entry: HookConfigOf<'slack'>, label: string, host: HookHost): Hook {
  return postingHook(entry, label, host, {
    posts: (event, where) => [
      {
        url: resolveUrl(entry.url, `${where}.url`, host.secrets),
        body: slackBody(messageFor(event)),
      },
    ],
  });
}

export function slackBody(message: Message): unknown {
  const lines = message.facts.map(({ name, value, code }) => {
    const text = mrkdwn(value);
    return `*${name}*  ${code ? `\`${text.replaceAll('`', 'ˋ')}\`` : text}`;
  });
  return {
    text: [mrkdwn(message.title), ...lines].join('\n'),
    blocks: [
      {
        type: 'header',
        text: { type: 'plain_text', text: shorten(message.title, MAX_HEADER), emoji: false },
      },
      ...lines.map((line) => ({
        type: 'section',
        text: { type: 'mrkdwn', text: shorten(line, MAX_SECTION) },
      })),
    ],
  };
}

/**
 * Text as it is, in a language that has no quoting: `<!channel>` and links need their brackets, so those become
 * entities; Mattermost's mentions and Markdown links are taken apart by a space of no width.
 */
function mrkdwn(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/@(?=(?:all|channel|here|everyone)\b)/gi, '@\u200b')
    .replaceAll('](', ']\u200b(');
}

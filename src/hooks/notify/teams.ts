import type { HookConfigOf } from '../../config/hooks-schema.ts';
import { CutoverError, EXIT } from '../../errors.ts';
import type { Hook } from '../hook.ts';
import type { HookHost } from '../host.ts';
import { resolveUrl } from '../http.ts';
import { type Message, messageFor } from './message.ts';
import { postingHook } from './post.ts';

const COLORS = { info: 'Good', warning: 'Warning', critical: 'Attention' } as const;

/** A Teams workflow that starts "when a webhook request is received" and posts an adaptive card. */
export function teamsHook(entry: HookConfigOf<'teams'>, label: string, host: HookHost): Hook {
  return postingHook(entry, label, host, {
    posts: (event, where) => [
      {
        url: resolveUrl(entry.url, `${where}.url`, host.secrets),
        body: teamsBody(messageFor(event)),
      },
    ],
    check({ text }) {
      // The older connectors answer 200 whatever happened, and say what did in the text.
      if (!/^Webhook message delivery failed/i.test(text)) return;
      throw new CutoverError(
        'HOOK_FAILED',
        EXIT.unreachable,
        `Teams: ${host.secrets.redact(text).slice(0, 300)}`,
      );
    },
  });
}

/**
 * An adaptive card of text runs: unlike text blocks and fact sets they show Markdown as it is written, so that text
 * from outside needs no quoting.
 */
export function teamsBody(message: Message): unknown {
  const run = (text: string, style: object = {}) => ({ type: 'TextRun', text, ...style });
  const paragraph = (...inlines: object[]) => ({ type: 'RichTextBlock', inlines });
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          fallbackText: message.title,
          body: [
            paragraph(run(message.title, { weight: 'Bolder', size: 'Medium', color: COLORS[message.level] })),
            ...message.facts.map(({ name, value, code }) =>
              paragraph(
                run(`${name}  `, { weight: 'Bolder' }),
                run(value, code ? { fontType: 'Monospace' } : {}),
              ),
            ),
          ],
        },
      },
    ],
  };
}

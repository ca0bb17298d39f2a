import type { HookConfigOf } from '../../config/hooks-schema.ts';
import type { Hook } from '../hook.ts';
import type { HookHost } from '../host.ts';
import { resolveUrl } from '../http.ts';
import { type Message, messageFor, shorten } from './message.ts';
import { postingHook } from './post.ts';

const COLORS = { info: 0x2e7d32, warning: 0xf9a825, critical: 0xc62828 } as const;
/** Discord's limits of an embed, in characters, and in fields; all its texts together have at most 6000. */
const MAX_TITLE = 256;
const MAX_VALUE = 1024;
const MAX_FIELDS = 25;
const MAX_TOTAL = 5800;

/** An incoming webhook of a Discord channel. Nobody is mentioned, whatever the text says. */
export function discordHook(entry: HookConfigOf<'discord'>, label: string, host: HookHost): Hook {
  return postingHook(entry, label, host, {
    posts: (event, where) => [
      {
        url: resolveUrl(entry.url, `${where}.url`, host.secrets),
        body: discordBody(messageFor(event)),
      },
    ],
  });
}

export function discordBody(message: Message): unknown {
  const title = shorten(escapeMarkdown(message.title), MAX_TITLE);
  let room = MAX_TOTAL - title.length;
  const fields = message.facts.slice(0, MAX_FIELDS).flatMap(({ name, value, code }) => {
    const text = code ? `\`${value.replaceAll('`', 'ˋ')}\`` : escapeMarkdown(value);
    const short = shorten(text, Math.min(MAX_VALUE, room - name.length));
    room -= name.length + short.length;
    return room > 0 ? [{ name, value: short }] : [];
  });
  return { allowed_mentions: { parse: [] }, embeds: [{ title, color: COLORS[message.level], fields }] };
}

/** A backslash before each character that could mean something; Discord shows the character itself. */
function escapeMarkdown(text: string): string {
  return text.replace(/[\\*_~`|>#[\]()<@:-]/g, '\\$&');
}

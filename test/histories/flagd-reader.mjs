// A reader of flag files, as an application is one: the real flagd provider, in a process of another user. Told by
// messages: {id, watch: path, key, targetingKey}, {id, drop: true}, {id, ask}; answers {id, ask, share}.
import fs from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';

// The provider looks at the file every 5 s, which is long for a test: the very same look, more often.
const { watchFile } = fs;
fs.watchFile = (path, listener) => watchFile(path, { interval: 100 }, listener);
syncBuiltinESMExports();
const require = createRequire(import.meta.url);
const { FlagdProvider } = require('@openfeature/flagd-provider');

const user = Number(process.argv[2]);
if (user > 0) {
  process.setgroups([]);
  process.setgid(user);
  process.setuid(user);
}

const quiet = { error() {}, warn() {}, info() {}, debug() {} };
const readers = new Map();

/** An application that finds no file starts again until there is one. */
async function open(reader) {
  while (readers.get(reader.id) === reader) {
    const provider = new FlagdProvider(
      { resolverType: 'in-process', offlineFlagSourcePath: reader.watch },
      quiet,
    );
    try {
      await provider.initialize();
      reader.provider = provider;
      return;
    } catch {
      await provider.onClose();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

async function shareOf({ provider, key, targetingKey }) {
  if (!provider) return 0;
  const { value } = await provider.resolveStringEvaluation(key, 'legacy', { targetingKey }, quiet);
  return value === 'target' ? 1 : 0;
}

process.on('message', async (message) => {
  const { id } = message;
  if (message.watch) {
    const reader = { ...message, provider: undefined };
    readers.set(id, reader);
    await open(reader);
    return;
  }
  const reader = readers.get(id);
  if (!reader) return;
  if (message.drop) {
    readers.delete(id);
    await reader.provider?.onClose();
    return;
  }
  const share = await shareOf(reader).catch(() => 0);
  process.send({ id, ask: message.ask, share });
});
process.on('disconnect', () => process.exit());
process.send({ ready: true });

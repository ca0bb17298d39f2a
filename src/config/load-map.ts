import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { CutoverError, EXIT, messageOf, systemCode } from '../errors.ts';
import { didYouMean } from './suggest.ts';
import { type UsageMap, usageMapSchema } from './usage-map.ts';

/**
 * Reads a mapping from a file of its own; the file holds what would stand under `usage.map` in the config.
 * @param name the path as the user wrote it.
 * @throws CutoverError MAP_INVALID (exit 78).
 */
export function loadMap(path: string, name: string): UsageMap {
  let content: unknown;
  try {
    content = parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const why = systemCode(cause) === 'ENOENT' ? 'no such file' : messageOf(cause);
    throw invalid([`${name}: ${why}`], cause);
  }
  const result = usageMapSchema.safeParse(content ?? {});
  if (result.success) return result.data;
  throw invalid(
    result.error.issues.flatMap((issue) => {
      const at = issue.path.join('.');
      if (issue.path.length === 1 && isMissing(content, issue.path[0])) return [`${name}: ${at} is missing`];
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map(
          (key) => `${name}: unknown field ${key}; ${didYouMean(key, Object.keys(usageMapSchema.shape))}`,
        );
      }
      if (issue.path[0] === 'where') {
        return [
          `${name}: ${at}: write conditions by path: {type: request}, {type: [a, b]}, {type: {not: a}}, {type: {exists: true}}`,
        ];
      }
      return [`${name}: ${at}: write a path (usage.tokens), {path, unit}, {value} or {sum: [paths]}`];
    }),
  );
}

function isMissing(content: unknown, key: PropertyKey | undefined): boolean {
  return typeof content !== 'object' || content === null || key === undefined || !(key in content);
}

function invalid(mistakes: string[], cause?: unknown): CutoverError {
  return new CutoverError('MAP_INVALID', EXIT.config, mistakes.join('\n'), {
    hint: 'a mapping names where each field is: model, inputTokens and outputTokens at least',
    cause,
  });
}

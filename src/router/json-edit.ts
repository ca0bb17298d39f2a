/**
 * Edits of top-level members in the text of a JSON object, leaving every other character as it was: parsing and
 * printing again would change large numbers, number formats and duplicate keys in what a client sent.
 */

interface Member {
  key: string;
  valueStart: number;
  valueEnd: number;
}

/**
 * Gives members new values (as JSON text). A member that is there, even twice, is replaced; one that is not is
 * added at the end.
 * @param text a JSON object that JSON.parse accepts; other text gives an undefined result.
 */
export function editMembers(text: string, edits: Readonly<Record<string, string>>): string {
  const { members, end } = scanObject(text);
  let result = '';
  let from = 0;
  const missing = new Set(Object.keys(edits));
  for (const member of members) {
    const value = Object.hasOwn(edits, member.key) ? edits[member.key] : undefined;
    if (value === undefined) continue;
    result += text.slice(from, member.valueStart) + value;
    from = member.valueEnd;
    missing.delete(member.key);
  }
  const added = [...missing].map((key) => `${JSON.stringify(key)}:${edits[key]}`).join(',');
  const comma = added !== '' && members.length > 0 ? ',' : '';
  return result + text.slice(from, end) + comma + added + text.slice(end);
}

/** The members of the object and the index of its closing brace. */
function scanObject(text: string): { members: Member[]; end: number } {
  const members: Member[] = [];
  let at = skipSpace(text, text.indexOf('{') + 1);
  while (at < text.length && text[at] !== '}') {
    const keyEnd = skipString(text, at);
    const key: string = JSON.parse(text.slice(at, keyEnd));
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const valueEnd = skipValue(text, valueStart);
    members.push({ key, valueStart, valueEnd });
    at = skipSpace(text, valueEnd);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return { members, end: at };
}

function skipSpace(text: string, from: number): number {
  return find(/[^ \t\n\r]/g, text, from);
}

/** @param from the index of the opening quote. @returns the index after the closing one. */
function skipString(text: string, from: number): number {
  let at = find(/["\\]/g, text, from + 1);
  while (text[at] === '\\') at = find(/["\\]/g, text, at + 2);
  return at + 1;
}

function skipValue(text: string, from: number): number {
  const first = text[from];
  if (first === '"') return skipString(text, from);
  if (first !== '{' && first !== '[') return find(/[,}\] \t\n\r]/g, text, from);
  let depth = 0;
  let at = from;
  do {
    const char = text[at];
    if (char === '"') at = skipString(text, at);
    else {
      depth += char === '{' || char === '[' ? 1 : -1;
      at++;
    }
    if (depth > 0) at = find(/["{}[\]]/g, text, at);
  } while (depth > 0 && at < text.length);
  return at;
}

function find(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}

import { MAX_ITEM_BYTES, type OnItem, type Splitter } from './splitter.ts';

const NEWLINE = 0x0a;

/**
 * One item a line; blank lines are no items. Lines end with \n or \r\n.
 * @param keepBlank delivers blank lines too: inside a quoted cell they mean something.
 */
export function createLineSplitter(onItem: OnItem, keepBlank = false): Splitter {
  let line = 1;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let tooLong = false;

  const emit = (text: string, open: boolean) => {
    if (!keepBlank && text.trim() === '') return;
    // Only the \r goes: in TSV a trailing tab is an empty cell.
    onItem({ text: text.endsWith('\r') ? text.slice(0, -1) : text, line, open });
  };
  /** Whole lines only: decoding many at once is several times faster than one by one. */
  const emitLines = (text: string) => {
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      emit(text.slice(start, end), false);
      start = end + 1;
      line++;
    }
  };
  const hold = (bytes: Buffer) => {
    if (bytes.length === 0) return;
    heldBytes += bytes.length;
    if (heldBytes > MAX_ITEM_BYTES) {
      tooLong = true;
      held = [];
    } else {
      held.push(bytes);
    }
  };
  const reportTooLong = (open: boolean) => {
    onItem({ text: '', line, open, fault: 'line is longer than 64 MB' });
    tooLong = false;
    heldBytes = 0;
  };

  return {
    write(chunk) {
      let rest = chunk;
      if (heldBytes > 0) {
        const first = rest.indexOf(NEWLINE);
        if (first < 0) return hold(rest);
        hold(rest.subarray(0, first));
        rest = rest.subarray(first + 1);
        if (tooLong) reportTooLong(false);
        else emit(Buffer.concat(held).toString('utf8'), false);
        held = [];
        heldBytes = 0;
        line++;
      }
      const last = rest.lastIndexOf(NEWLINE);
      if (last >= 0) emitLines(rest.toString('utf8', 0, last + 1));
      hold(rest.subarray(last + 1));
    },
    end() {
      if (tooLong) reportTooLong(true);
      else if (heldBytes > 0) emit(Buffer.concat(held).toString('utf8'), true);
      held = [];
      heldBytes = 0;
    },
  };
}

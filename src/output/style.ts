import type { ChalkInstance } from 'chalk';
import type { Style } from '../report/style.ts';

/** How a style of ours is told from one that came with a text: a number that nobody outside this process knows. */
export type Mark = string;

export function newMark(): Mark {
  const part = () => String(Math.floor(1000 + Math.random() * 9000));
  return [part(), part(), part()].join(';');
}

/** Colours whose codes carry the mark. What measures text takes them for colour codes, as they are. */
export function markedStyle(chalk: ChalkInstance, mark: Mark): Style {
  const marked = (paint: (text: string) => string) => {
    const [open = '', close = ''] = paint('\0')
      .split('\0')
      .map((code) => code.replace('[', `[${mark};`));
    return (text: string) => (text === '' ? '' : open + text + close);
  };
  return {
    red: marked(chalk.red),
    green: marked(chalk.green),
    yellow: marked(chalk.yellow),
    bold: marked(chalk.bold),
    dim: marked(chalk.dim),
  };
}

/** Colour codes of ours, marked: their parameters are the first group. */
export function markedCodes(mark: Mark): RegExp {
  return new RegExp(`\\u001b\\[${mark};([\\d;]*)m`, 'g');
}

/** Styles for text that goes to a terminal, or none where it does not. */
export type Style = Readonly<Record<'red' | 'green' | 'yellow' | 'bold' | 'dim', (text: string) => string>>;

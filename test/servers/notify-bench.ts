/** A receiver of notifications, or what stands in for one, as the contract suite of the notify drivers uses it. */
export interface NotifyBench {
  dir: string;
  env: Readonly<Record<string, string | undefined>>;
  /** What must not be seen in any result or error. */
  secrets: string[];
  /** The entry of the config; `more` replaces keys of it. */
  entry(more?: object): Record<string, unknown>;
  /** Keys of an entry where nobody answers. */
  unreachable(): Promise<object>;
  /** Makes the receiver refuse and say back what it was sent; undefined where it cannot be made to. */
  refuse?(): void;
  /** Makes the receiver accept the call and never answer. */
  hang?(): void;
  /** What people would read, a text for each message, in the order they came; controls and markup included. */
  messages(): Promise<string[]>;
  /** By what the receiver knows a message again, for each; undefined where it has no such thing. */
  keys?(): Promise<string[]>;
  /** A new start: nothing received, everything accepted. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

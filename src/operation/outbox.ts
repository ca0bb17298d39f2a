import type { Hook, HookEvent } from '../hooks/hook.ts';
import { messageFor } from '../hooks/notify/message.ts';
import { asksFor } from '../hooks/notify/on.ts';
import { weightOf } from '../hooks/notify/weight.ts';
import { fileSystemNow } from '../store/file-clock.ts';
import { appendHistory, historyHead } from '../store/history.ts';
import {
  claimMessage,
  dropClaims,
  endMessage,
  findMessage,
  insertMessage,
  keepMessage,
  type Message,
  messagesAbout,
  sentSince,
  standingTroubles,
  waitingMessages,
  wordsSaid,
} from '../store/messages.ts';
import { type Db, explainingFaults } from '../store/open.ts';
import { type Holder, holderState } from './holder.ts';
import { closeWhenTold, noteStepTold } from './told-steps.ts';
import { sameWord, type Word } from './word.ts';

/** What is not sent within this time is given up: nobody acts on it any more. */
const KEPT_MS = 24 * 3_600_000;
/** A sender that cannot be looked at has ended when its own time is over, and this much more. */
const GRACE_MS = 5000;
/** A receiver is left alone for so long at most, whatever it asks for: people have to hear of what happened. */
export const LEFT_ALONE_MS = 15 * 60_000;
/** Why somebody is told nothing any more. */
export const GONE = 'the config names it no more';

/** A hook as far as what it is told goes. */
export type Told = Pick<Hook, 'label' | 'receiver' | 'on'>;

/** One message, taken to be sent: nobody else sends anything to this hook meanwhile. */
export interface Taken {
  seq: number;
  operationId: string;
  event: HookEvent;
  /** Tries before. */
  attempts: number;
}

/** What came of sending it. */
export type SendEnd =
  | { sent: true; attempts: number; after: unknown }
  | { sent: false; attempts: number; error: string; notBefore: number | null };

/** What one hook was told of one operation. */
export interface Delivery {
  /** What the hook was called when its last word was written. */
  label: string;
  outcome: 'sent' | 'waiting' | 'given up';
  attempts: number;
  error: string | null;
}

/** Where messages wait until they are sent. */
export interface Outbox {
  /**
   * The next message for a hook, in order; `busy` while another process sends to it, null when there is none.
   * @param rule `first`: the operation whose word goes before all others, at once; `passed`: messages that hold up none
   */
  take(hook: Told, rule: TakeRule): Taken | 'busy' | null;
  ended(taken: Taken, end: SendEnd): void;
  /** Null when this hook was not to be told of it. */
  delivery(operationId: string, hook: Told): Delivery | null;
}

export interface TakeRule {
  first?: string | undefined;
  /** Nothing but that. */
  only?: true | undefined;
  passed: ReadonlySet<number>;
  /** Milliseconds that sending may take. */
  budgetMs: number;
}

/** Whom it is told, by this the messages of one are known. */
export const receiverOf = ({ receiver, label }: Told): string => receiver ?? label;

/**
 * Writes a word for each hook that asks for it, or that was told of a trouble which is over with it; to be called in
 * the transaction of what it tells about. One that says nothing new is not written.
 * @param positionOf of the step that tells this hook; by it the receiver knows the message again
 */
export function putWord(
  db: Db,
  word: Word,
  hooks: readonly Told[],
  positionOf: (hook: Told) => number,
): void {
  const operationId = word.operation.id;
  for (const hook of hooks) {
    const receiver = receiverOf(hook);
    const earlier = messagesAbout(db, operationId, receiver);
    const last = earlier.at(-1);
    const lastEvent = last && (JSON.parse(last.event) as HookEvent);
    if (lastEvent && (word.running || sameWord(lastEvent, word))) continue;
    const position = positionOf(hook);
    const standing = standingTroubles(db, receiver) as HookEvent['standing'];
    const said = wordsSaid(db, operationId, position);
    const event: HookEvent = {
      ...word,
      ...(lastEvent && !lastEvent.running ? { resumed: true } : {}),
      idempotencyKey: `${operationId}:${position}${said === 0 ? '' : `:${said + 1}`}`,
      history: historyHead(db),
      ...(standing?.length ? { standing } : {}),
    };
    const { begins, over } = weightOf(event);
    const wanted = asksFor(hook.on, event) || over.some((trouble) => standing?.includes(trouble));
    if (!wanted) continue;
    insertMessage(db, {
      ...{ key: event.idempotencyKey, hook: receiver, label: hook.label, operationId, position },
      ...{ event: JSON.stringify(event), begins, ends: JSON.stringify(over), at: Date.parse(word.at ?? '') },
    });
  }
}

/** What waits for a hook about an operation was told by somebody who could not say so here. */
export function endWords(db: Db, operationId: string, hook: Told, at: number): void {
  for (const { seq } of messagesAbout(db, operationId, receiverOf(hook))) {
    endMessage(db, seq, { outcome: 'sent', attempts: 0, at });
  }
}

interface Sender {
  holder: Holder;
  now(): number;
  /** The operation that this process runs: its journal keeps what became of its steps. */
  own?: string;
}

/** The outbox of a database. Each verb is one transaction. */
export function databaseOutbox(db: Db, sender: Sender): Outbox {
  const write = <T>(work: () => T): T => explainingFaults(db.name, () => db.transaction(work).immediate());
  return {
    take: (hook, rule) => write(() => take(db, hook, rule, sender)),
    ended: (taken, end) =>
      write(() => (end.sent ? sent(db, taken, end, sender) : keepMessage(db, taken.seq, end))),
    delivery: (operationId, hook) => deliveryOf(messagesAbout(db, operationId, receiverOf(hook))),
  };
}

function take(db: Db, hook: Told, rule: TakeRule, sender: Sender): Taken | 'busy' | null {
  const now = sender.now();
  const waiting = waitingMessages(db, receiverOf(hook));
  if (waiting.length === 0) return null;
  // Who sends may be on another host, whose clock is another.
  const shared = fileSystemNow(db.name);
  const inSending = waiting.filter((message) => isSending(message, shared));
  const old = tooOld(waiting, now);
  const young = lastWords(waiting).filter((message) => !old.includes(message));
  const left = young.filter(({ seq }) => !rule.passed.has(seq));
  const first = left.find(({ operationId }) => operationId === rule.first);
  const next = first ?? (rule.only ? undefined : left[0]);
  if (!next) return null;
  if (first ? inSending.includes(first) : inSending.length > 0) return 'busy';
  if (!first && isLeftAlone(next, now)) return null;
  const until = Math.ceil(shared + rule.budgetMs + GRACE_MS);
  claimMessage(db, next.seq, { sender: senderOf(sender.holder), until, now });
  const { seq, operationId, attempts } = next;
  return { seq, operationId, event: eventOf(db, next, waiting), attempts };
}

/** Nobody is left alone for longer than that: a later time was said by a clock that was wrong. */
function isLeftAlone({ notBefore }: Message, now: number): boolean {
  return notBefore !== null && notBefore > now && notBefore <= now + LEFT_ALONE_MS;
}

/**
 * What has waited for too long, of messages in their order: it was tried in vain, or stood behind what was. Nothing is
 * older than what was written before it, whatever the clock said.
 */
function tooOld(waiting: readonly Message[], now: number): Message[] {
  const written = new Map<string, number>();
  const tried = new Set<string>();
  return waiting.filter(({ hook, at, attempts }) => {
    const since = Math.max(at, written.get(hook) ?? at);
    written.set(hook, since);
    if (attempts > 0) tried.add(hook);
    return tried.has(hook) && now - since >= KEPT_MS;
  });
}

/** Of an operation the last word is told; it says what was to be said before. */
function lastWords(waiting: readonly Message[]): Message[] {
  return waiting.filter(
    ({ operationId, seq }) => !waiting.some((later) => later.operationId === operationId && later.seq > seq),
  );
}

function eventOf(db: Db, message: Message, waiting: readonly Message[]): HookEvent {
  const event = JSON.parse(message.event) as HookEvent;
  const untold = waiting
    .filter(({ operationId, seq }) => operationId === message.operationId && seq < message.seq)
    .map((before) => messageFor(JSON.parse(before.event) as HookEvent).title);
  return {
    ...event,
    ...(untold.length > 0 ? { untold } : {}),
    ...(sentSince(db, message) ? { late: true } : {}),
  };
}

/** @param now by the clock of the file system */
function isSending({ sender, senderUntil }: Message, now: number): boolean {
  if (sender === null || senderUntil === null || senderUntil <= now) return false;
  return holderState(JSON.parse(sender) as Holder) !== 'gone';
}

function sent(db: Db, taken: Taken, end: SendEnd & { sent: true }, { holder, now, own }: Sender): void {
  const at = now();
  const { seq, operationId, event } = taken;
  if (!endMessage(db, seq, { outcome: 'sent', attempts: end.attempts, at })) return;
  const { label, hook, position } = findMessage(db, seq);
  const untold = messagesAbout(db, operationId, hook).filter((one) => one.seq < seq && one.outcome === null);
  for (const one of untold) endMessage(db, one.seq, { outcome: 'superseded', attempts: 0, at });
  // What its own operation tells is a step, which its journal ends.
  if (own === operationId && !event.running && untold.length === 0) return;
  appendHistory(db, {
    at,
    actor: holder.actor,
    event: 'message sent',
    operationId,
    detail: {
      ...{ label, key: event.idempotencyKey, attempts: taken.attempts + end.attempts },
      ...(event.late ? { late: true } : {}),
      ...(untold.length > 0 ? { supersedes: untold.map(({ key }) => key) } : {}),
    },
  });
  if (event.running) return;
  noteStepTold(db, operationId, position, end);
  closeWhenTold(db, operationId);
}

/** Of a holder that has lost the lease because it is gone: what it was sending is sent by others. */
export function forgetSender(db: Db, holder: Holder): void {
  dropClaims(db, senderOf(holder));
}

/** A process as a claim names it. */
function senderOf({ actor, host, pid, process, boot, namespace }: Holder): string {
  return JSON.stringify({ actor, host, pid, process, boot, namespace });
}

/** Gives up what has waited for a day; to be called in a transaction. */
export function giveUpOld(db: Db, sender: Sender): void {
  const at = sender.now();
  giveUp(db, tooOld(waitingMessages(db), at), 'a day is over', sender);
}

/** Gives up what waits for somebody whom no hook leads to any more, and returns it; to be called in a transaction. */
export function giveUpGone(db: Db, hooks: readonly Told[], sender: Sender): Message[] {
  return giveUp(db, waitingForGone(db, hooks), GONE, sender);
}

/** What waits for somebody whom no hook leads to any more. */
export function waitingForGone(db: Db, hooks: readonly Told[]): Message[] {
  const there = new Set(hooks.map(receiverOf));
  return waitingMessages(db).filter(({ hook }) => !there.has(hook));
}

function giveUp(db: Db, messages: readonly Message[], why: string, { holder, now }: Sender): Message[] {
  if (messages.length === 0) return [];
  const at = now();
  const shared = fileSystemNow(db.name);
  const given = messages.filter((one) => !isSending(one, shared));
  for (const { seq, label, key, attempts, error, operationId } of given) {
    endMessage(db, seq, { outcome: 'given up', attempts: 0, at });
    const detail = { label, key, attempts, error, why };
    appendHistory(db, { at, actor: holder.actor, event: 'message given up', operationId, detail });
    closeWhenTold(db, operationId);
  }
  return given;
}

/** Of several words the last one counts: an earlier one is in it. */
function deliveryOf(messages: readonly Message[]): Delivery | null {
  const last = messages.at(-1);
  if (!last) return null;
  const { label, outcome, attempts, error } = last;
  const sent = outcome === null || outcome === 'given up' ? outcome : 'sent';
  return { label, outcome: sent ?? 'waiting', attempts, error };
}

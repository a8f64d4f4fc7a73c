import type { KafkaError } from './errors.js'
import type { Message } from './messages.js'
import type { Group } from './waiters.js'

/** A call whose messages are not all staged yet. */
export interface Queued {
  readonly topic: string
  readonly messages: readonly Message[]
  readonly group: Group
  /** How they are to be compressed. */
  readonly flags: number
  /** When to give up waiting, on the clock of `performance.now()`. */
  readonly deadline: number
  /** The first message that is not staged. */
  next: number
}

/** Shifting an array moves all the rest; so it is done only now and then. */
const SHIFT_AT = 1024

/** Calls that wait for room in the producer's buffer, in order. */
export class SendQueue {
  readonly #calls: Queued[] = []
  #head = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #waiting: (() => void)[] = []
  readonly #expired: () => void

  /** `expired` is called when the first call's time is up. */
  constructor(expired: () => void) {
    this.#expired = expired
  }

  get empty(): boolean {
    return this.#head === this.#calls.length
  }

  get head(): Queued | undefined {
    return this.#calls[this.#head]
  }

  push(call: Queued): void {
    this.#calls.push(call)
    this.#arm()
  }

  /** Takes the first call out. */
  shift(): void {
    this.#head++
    if (this.#head >= SHIFT_AT || this.empty) {
      this.#calls.splice(0, this.#head)
      this.#head = 0
    }
    if (!this.empty) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const waiting of this.#waiting.splice(0)) waiting()
  }

  /** Ends when the queue is empty. */
  drained(): Promise<void> {
    return this.empty ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Fails every call. */
  fail(error: KafkaError): void {
    this.failUntil(Infinity, error)
  }

  /** Fails the calls whose time is up. */
  failUntil(time: number, error: KafkaError): void {
    for (let head = this.head; head !== undefined && head.deadline <= time; head = this.head) {
      this.shift()
      head.group.failed(error, head.messages.length - head.next)
    }
    this.#arm()
  }

  #arm(): void {
    const { head } = this
    if (head === undefined || this.#timer !== undefined) return
    const millis = Math.min(Math.max(0, head.deadline - performance.now()), 0x7fff_ffff)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#expired()
    }, millis)
  }
}

/** A client's condition. */
export type Status =
  | { readonly state: 'idle' | 'connecting' | 'connected' | 'offline' | 'stopping' | 'fatal' }
  | {
      readonly state: 'reconnecting'
      /** The client's own number for the broker. */
      readonly broker: number
      /** How many attempts have failed since it was last there. */
      readonly attempt: number
      /** When the next attempt comes, in milliseconds from when this was said. */
      readonly delayMs: number
    }
  | {
      /** A quota is used up: the broker wants to hear nothing for a while, and hears nothing. */
      readonly state: 'throttled'
      /** The client's own number for the broker. */
      readonly broker: number
      /** How long that lasts, in milliseconds from when this was said. */
      readonly delayMs: number
    }

/** The client's condition now, and each one after it, to whoever asks. The last one is that of the client's end. @internal */
export class StatusFeed {
  #current: Status = { state: 'idle' }
  readonly #readers = new Set<Reader>()

  get current(): Status {
    return this.#current
  }

  set(status: Status): void {
    this.#current = status
    for (const reader of this.#readers) reader.push(status)
    if (status.state === 'idle' || status.state === 'fatal') this.#readers.clear()
  }

  read(): AsyncIterableIterator<Status> {
    const reader = new Reader((gone) => this.#readers.delete(gone))
    this.#readers.add(reader)
    reader.push(this.#current, true)
    return reader
  }
}

/** A reader that is slow gets the latest conditions, at most this many. */
const BACKLOG_MAX = 64

class Reader implements AsyncIterableIterator<Status> {
  readonly #gone: (reader: Reader) => void
  readonly #backlog: Status[] = []
  readonly #waiting: ((result: IteratorResult<Status>) => void)[] = []
  #ended = false

  constructor(gone: (reader: Reader) => void) {
    this.#gone = gone
  }

  push(status: Status, first = false): void {
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) waiting({ value: status, done: false })
    else if (this.#backlog.push(status) > BACKLOG_MAX) this.#backlog.shift()
    if (!first && (status.state === 'idle' || status.state === 'fatal')) this.#end()
  }

  next(): Promise<IteratorResult<Status>> {
    const status = this.#backlog.shift()
    if (status !== undefined) return Promise.resolve({ value: status, done: false })
    if (this.#ended) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  return(): Promise<IteratorResult<Status>> {
    this.#gone(this)
    this.#backlog.length = 0
    this.#end()
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #end(): void {
    this.#ended = true
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true })
  }
}

import { bigintFrom } from './boundary.js'
import type { KafkaError } from './errors.js'

/** Where and when a broker took a record. */
export class RecordMetadata {
  readonly #delivery: DeliveryReport
  readonly #index: number

  /** @internal */
  constructor(delivery: DeliveryReport, index: number) {
    this.#delivery = delivery
    this.#index = index
  }

  get topic(): string {
    return this.#delivery.topic
  }

  get partition(): number {
    return this.#delivery.partition
  }

  /** The record's offset; undefined with `acks: 0`, where brokers do not answer. */
  get offset(): bigint | undefined {
    const { baseOffset } = this.#delivery
    return baseOffset === undefined ? undefined : baseOffset + BigInt(this.#index)
  }

  /** The broker's time in Unix milliseconds, when the topic uses LogAppendTime. */
  get logAppendTime(): bigint | undefined {
    return this.#delivery.logAppendTime
  }

  toJSON(): object {
    const { topic, partition, offset, logAppendTime } = this
    return { topic, partition, offset: offset?.toString(), logAppendTime: logAppendTime?.toString() }
  }
}

/** Records of one `send()` which a broker took together: consecutive records of one partition. */
export interface DeliveryReport {
  readonly topic: string
  readonly partition: number
  /** The offset of the first of them; undefined with `acks: 0`. */
  readonly baseOffset: bigint | undefined
  /** How many they are. */
  readonly recordCount: number
  /** The broker's time in Unix milliseconds, when the topic uses LogAppendTime. */
  readonly logAppendTime: bigint | undefined
}

type Resolve = (metadata: RecordMetadata) => void
type Reject = (error: unknown) => void

/** All records of one call, which ends when they have ended. @internal */
export class Group {
  readonly #resolve: (reports: DeliveryReport[]) => void
  readonly #reject: Reject
  readonly #reports: DeliveryReport[] = []
  #left: number
  #error: KafkaError | undefined

  constructor(records: number, resolve: (reports: DeliveryReport[]) => void, reject: Reject) {
    this.#left = records
    this.#resolve = resolve
    this.#reject = reject
  }

  delivered(report: DeliveryReport): void {
    const last = this.#reports.at(-1)
    if (last !== undefined && follows(last, report)) {
      this.#reports[this.#reports.length - 1] = { ...last, recordCount: last.recordCount + report.recordCount }
    } else this.#reports.push(report)
    this.#end(report.recordCount)
  }

  failed(error: KafkaError, records: number): void {
    this.#error ??= error
    this.#end(records)
  }

  #end(records: number): void {
    this.#left -= records
    if (this.#left > 0) return
    if (this.#error === undefined) this.#resolve(this.#reports)
    else this.#reject(this.#error)
  }
}

/** Whether records go on where others end. Batches do, and so do the runs of one batch. */
const follows = (last: DeliveryReport, next: DeliveryReport): boolean =>
  last.partition === next.partition &&
  last.topic === next.topic &&
  last.logAppendTime === next.logAppendTime &&
  (last.baseOffset === undefined ? undefined : last.baseOffset + BigInt(last.recordCount)) === next.baseOffset

const RING_BEGIN = 1024

/**
 * Who waits for which record: a ring indexed by record id. Ids are given one by one, so a record's waiter is stored when
 * the record is staged, at the id it is going to get.
 *
 * @internal
 */
export class Waiters {
  #mask = RING_BEGIN - 1
  // For a record of its own its two functions, for a record of a group the group and nothing.
  #waiters: (Resolve | Group | undefined)[] = new Array(RING_BEGIN)
  #rejects: (Reject | undefined)[] = new Array(RING_BEGIN)
  /** No record below this id is waited for. */
  #first = 0
  /** The id that the next staged record is going to get. */
  #next = 0

  get waiting(): boolean {
    return this.#first < this.#next
  }

  get next(): number {
    return this.#next
  }

  add(resolve: Resolve, reject: Reject): void {
    this.#room()
    const slot = this.#next++ & this.#mask
    this.#waiters[slot] = resolve
    this.#rejects[slot] = reject
  }

  addTo(group: Group): void {
    this.#room()
    this.#waiters[this.#next++ & this.#mask] = group
  }

  /** Takes out a record that was not accepted: those after it move up, for they get the ids one lower. */
  reject(id: number, error: KafkaError): void {
    this.#fail(id, error)
    for (let later = id + 1; later < this.#next; later++) {
      const [from, to] = [later & this.#mask, (later - 1) & this.#mask]
      this.#waiters[to] = this.#waiters[from]
      this.#rejects[to] = this.#rejects[from]
    }
    this.#next--
    this.#waiters[this.#next & this.#mask] = this.#rejects[this.#next & this.#mask] = undefined
  }

  /** Ends `count` records from `first` on which a broker took. */
  deliver(first: number, count: number, topic: string, partition: number, words: Int32Array, at: number): void {
    const offsetHigh = words[at + 1]!
    const base = offsetHigh < 0 ? undefined : bigintFrom(words[at]!, offsetHigh)
    const timeHigh = words[at + 3]!
    const logAppendTime = timeHigh < 0 ? undefined : bigintFrom(words[at + 2]!, timeHigh)
    const whole: DeliveryReport = { topic, partition, baseOffset: base, recordCount: count, logAppendTime }
    const end = first + count
    for (let id = first; id < end; ) {
      const slot = id & this.#mask
      const waiter = this.#waiters[slot]
      if (typeof waiter === 'function') {
        this.#waiters[slot] = this.#rejects[slot] = undefined
        waiter(new RecordMetadata(whole, id - first))
        id++
      } else {
        const from = id
        while (id < end && this.#waiters[id & this.#mask] === waiter) this.#waiters[id++ & this.#mask] = undefined
        const all = from === first && id === end
        const baseOffset = base === undefined ? undefined : base + BigInt(from - first)
        waiter?.delivered(all ? whole : { ...whole, baseOffset, recordCount: id - from })
      }
    }
    this.#advance()
  }

  /** Ends `count` records from `first` on which failed. */
  fail(first: number, count: number, error: KafkaError): void {
    for (let id = first; id < first + count; id++) this.#fail(id, error)
    this.#advance()
  }

  /** Forgets the records from `id` on, which have failed: they were never given their ids. */
  forgetFrom(id: number): void {
    this.#next = id
    this.#first = Math.min(this.#first, id)
  }

  /** Ends everything. */
  failAll(error: KafkaError): void {
    this.fail(this.#first, this.#next - this.#first, error)
  }

  #fail(id: number, error: KafkaError): void {
    const slot = id & this.#mask
    const waiter = this.#waiters[slot]
    const reject = this.#rejects[slot]
    this.#waiters[slot] = this.#rejects[slot] = undefined
    if (typeof waiter === 'function') reject?.(error)
    else waiter?.failed(error, 1)
  }

  #advance(): void {
    while (this.#first < this.#next && this.#waiters[this.#first & this.#mask] === undefined) this.#first++
  }

  #room(): void {
    if (this.#next - this.#first <= this.#mask) return
    const size = (this.#mask + 1) * 2
    const waiters = new Array<Resolve | Group | undefined>(size)
    const rejects = new Array<Reject | undefined>(size)
    for (let id = this.#first; id < this.#next; id++) {
      waiters[id & (size - 1)] = this.#waiters[id & this.#mask]
      rejects[id & (size - 1)] = this.#rejects[id & this.#mask]
    }
    this.#waiters = waiters
    this.#rejects = rejects
    this.#mask = size - 1
  }
}

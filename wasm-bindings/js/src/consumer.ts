import type { ClientHandle } from '#glue'
import { type Boundary, guard } from './boundary.js'
import { bounded, checkWait, Client, type ClientEvents, type WaitOptions } from './client.js'
import { type KafkaError, StateError } from './errors.js'
import { unfit } from './messages.js'
import { ConsumerRecord, copyBatch, type RecordBatch } from './records.js'
import { checkTopic } from './topics.js'

/** One partition of one topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Where to read from: an offset, or one of the partition's ends. */
export type StartOffset = bigint | number | string | 'earliest' | 'latest'

/** A partition to be read. Without an offset, the option `offsetReset` says where to begin. */
export interface Assignment extends TopicPartition {
  readonly offset?: StartOffset | undefined
}

/** An offset that was looked up. */
export interface OffsetFound extends TopicPartition {
  /** The offset; -1n when no record is that late. */
  readonly offset: bigint
  /** The record's Unix time in milliseconds, -1n when not applicable. */
  readonly timestamp: bigint
}

/** A partition needs the application's attention. */
export interface PartitionError extends TopicPartition {
  readonly error: KafkaError
}

/** What a consumer tells those who listen. */
export interface ConsumerEvents extends ClientEvents {
  /** A partition needs the application's attention. Errors that time cannot heal also end the next poll(). */
  partitionError: PartitionError
}

/** Options of poll(). */
export interface PollOptions extends WaitOptions {
  /** The most records to return. Default 500. */
  readonly maxRecords?: number | undefined
}

const MAX_RECORDS = 500
const DEFAULT = 0
const EARLIEST = 1
const LATEST = 2
const AT = 3

/** Reads records of assigned partitions. */
export class Consumer extends Client<ConsumerEvents> {
  /** What is to be told to the core once it is loaded. */
  readonly #deferred: ((boundary: Boundary) => void)[] = []
  readonly #topicNames: string[] = []
  readonly #paused = new Set<string>()
  /** Errors that the next reader gets, by partition. */
  readonly #problems = new Map<string, KafkaError>()
  #waiting: (() => void)[] = []
  #assigned: readonly TopicPartition[] = []
  /** Batches taken from the core and not read to their end, in order; those of paused partitions wait. */
  #batches: Remainder[] = []

  /**
   * Reads exactly these partitions from now on. One that was assigned before keeps its place, unless an offset is given;
   * an empty list reads none. Works before start() and after.
   */
  assign(partitions: readonly Assignment[]): void {
    if (this.refusal?.fatal === true) throw this.refusal
    if (!Array.isArray(partitions)) throw unfit('partitions', 'an array', partitions)
    const wanted = (partitions as readonly Assignment[]).map((one) => {
      checkPartition(one)
      return { topic: one.topic, partition: one.partition, ...startOf(one.offset) }
    })
    this.#tell(({ handle }) => handle.assign(placeList(handle, wanted)))
    this.#assigned = wanted.map(({ topic, partition }) => ({ topic, partition }))
    const named = new Map(wanted.map((one) => [keyOf(one), one.kind]))
    // A partition keeps its place when it is named without one.
    this.#batches = this.#batches.filter((batch) => named.get(batch.key) === DEFAULT)
    for (const key of this.#problems.keys()) if (named.get(key) !== DEFAULT) this.#problems.delete(key)
    for (const key of this.#paused) if (named.get(key) !== DEFAULT) this.#paused.delete(key)
    this.#wake()
  }

  /** The partitions that are read. */
  assignment(): TopicPartition[] {
    return this.#assigned.map(({ topic, partition }) => ({ topic, partition }))
  }

  /** Reads no partition any more. */
  unsubscribe(): void {
    this.assign([])
  }

  /** Goes on reading a partition elsewhere. What was fetched for the old place is dropped. */
  seek(partition: TopicPartition, offset: StartOffset): void {
    this.#checkAssigned(partition)
    this.#seek(partition, startOf(offset))
  }

  /** Goes on at the first record there is, in these partitions or in all. */
  seekToBeginning(partitions: readonly TopicPartition[] = this.#assigned): void {
    partitions.forEach((partition) => this.#checkAssigned(partition))
    partitions.forEach((partition) => this.#seek(partition, { kind: EARLIEST, value: 0n }))
  }

  /** Goes on after the last record there is, in these partitions or in all. */
  seekToEnd(partitions: readonly TopicPartition[] = this.#assigned): void {
    partitions.forEach((partition) => this.#checkAssigned(partition))
    partitions.forEach((partition) => this.#seek(partition, { kind: LATEST, value: 0n }))
  }

  /** The offset of the next record to be read; undefined while it is not known yet. */
  position(partition: TopicPartition): bigint | undefined {
    this.#checkAssigned(partition)
    const batch = this.#batches.find(({ key }) => key === keyOf(partition))
    if (batch !== undefined) return batch.batch.at(batch.next).offset
    const { boundary } = this
    if (boundary === undefined) return undefined
    const { handle } = boundary
    return guard(() => handle.position(handle.topic(partition.topic), partition.partition))
  }

  /** Stops reading these partitions. What was fetched is kept. */
  pause(partitions: readonly TopicPartition[]): void {
    this.#setPaused(partitions, true)
  }

  /** Goes on reading these partitions. */
  resume(partitions: readonly TopicPartition[]): void {
    this.#setPaused(partitions, false)
    this.#wake()
  }

  /** The partitions that are paused. */
  paused(): TopicPartition[] {
    return this.assignment().filter((partition) => this.#paused.has(keyOf(partition)))
  }

  /** The first offsets of partitions. */
  beginningOffsets(partitions: readonly TopicPartition[], options: WaitOptions = {}): Promise<OffsetFound[]> {
    return this.#listOffsets(partitions, options, () => ({ offset: 'earliest' }))
  }

  /** The offsets after the last records of partitions. */
  endOffsets(partitions: readonly TopicPartition[], options: WaitOptions = {}): Promise<OffsetFound[]> {
    return this.#listOffsets(partitions, options, () => ({}))
  }

  /** The offsets of the first records at or after times in Unix milliseconds. */
  offsetsForTimes(
    partitions: readonly (TopicPartition & { readonly timestamp: bigint | number | Date })[],
    options: WaitOptions = {},
  ): Promise<OffsetFound[]> {
    return this.#listOffsets(partitions, options, ({ timestamp }) => ({ timestamp }))
  }

  /**
   * Waits for records and returns as many as there are, at most `maxRecords`. Returns none when the time limit comes
   * first, or the client is stopped meanwhile.
   */
  async poll(options: PollOptions = {}): Promise<ConsumerRecord[]> {
    checkWait(options)
    const { maxRecords = MAX_RECORDS, signal, timeoutMs = Infinity } = options
    if (!(Number.isInteger(maxRecords) && maxRecords > 0)) throw unfit('maxRecords', 'a whole number from 1', maxRecords)
    const deadline = performance.now() + timeoutMs
    const records: ConsumerRecord[] = []
    for (;;) {
      for (let batch = this.#current(); batch !== undefined && records.length < maxRecords; batch = this.#current()) {
        const end = Math.min(batch.batch.length, batch.next + maxRecords - records.length)
        while (batch.next < end) records.push(batch.batch.at(batch.next++))
      }
      if (records.length > 0) return records
      const left = deadline - performance.now()
      if (left <= 0 || !(await this.#more({ signal, timeoutMs: left }))) return records
    }
  }

  /** The records as whole batches, as fast as it goes. Ends when the client is stopped. */
  async *batches(options: { readonly signal?: AbortSignal | undefined } = {}): AsyncGenerator<RecordBatch, void, undefined> {
    checkWait(options)
    for (;;) {
      const batch = this.#current()
      if (batch !== undefined) {
        const rest = batch.batch.after(batch.next)
        batch.next = batch.batch.length
        yield rest
      } else if (!(await this.#more(options))) return
    }
  }

  /** The records one by one. Ends when the client is stopped. */
  [Symbol.asyncIterator](): AsyncIterableIterator<ConsumerRecord> {
    const next = async (): Promise<IteratorResult<ConsumerRecord>> => {
      for (;;) {
        const batch = this.#current()
        if (batch !== undefined) return { value: batch.batch.at(batch.next++), done: false }
        if (!(await this.#more({}))) return { value: undefined, done: true }
      }
    }
    const iterator: AsyncIterableIterator<ConsumerRecord> = {
      next: () => {
        const batch = this.#batches[0]
        // The common case needs no async function, which costs more than all the rest.
        if (batch === undefined || batch.next >= batch.batch.length || this.#paused.size > 0) return next()
        return Promise.resolve({ value: batch.batch.at(batch.next++), done: false })
      },
      return: () => Promise.resolve({ value: undefined, done: true }),
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  /** @internal */
  protected override opened(boundary: Boundary): void {
    for (const command of this.#deferred.splice(0)) command(boundary)
  }

  /** @internal */
  protected override recordsAvailable(): void {
    this.#wake()
  }

  /** @internal */
  protected override partitionError(topic: string, partition: number, error: KafkaError): void {
    this.emit('partitionError', { topic, partition, error })
    // The client goes on by itself when there is something to try again, or a place to go to.
    const resets = error.code === 'OFFSET_OUT_OF_RANGE' && this.option<string>('offsetReset') !== 'none'
    if (error.retriable || resets) return
    this.#problems.set(keyOf({ topic, partition }), error)
    this.#wake()
  }

  /** @internal */
  protected override ended(): void {
    this.#batches = []
    this.#wake()
  }

  /** The first batch with something to read in it, taken from the core if need be. */
  #current(): Remainder | undefined {
    let first = 0
    for (;;) {
      const batch = this.#batches[first]
      if (batch === undefined) break
      if (batch.next >= batch.batch.length) this.#batches.splice(first, 1)
      else if (this.#paused.size > 0 && this.#paused.has(batch.key)) first++
      else return batch
    }
    const { boundary } = this
    if (boundary === undefined || this.refusal !== undefined) return undefined
    for (;;) {
      const batch = guard(() => copyBatch(boundary, this.#topicName))
      // Taking makes room for the next fetch.
      this.schedule()
      if (batch === undefined) return undefined
      if (batch.length === 0) continue
      const taken = { batch, next: 0, key: keyOf(batch) }
      this.#batches.push(taken)
      return taken
    }
  }

  readonly #topicName = (topic: number): string => (this.#topicNames[topic] ??= this.boundary!.handle.topicName(topic) ?? '')

  /** Waits until there may be more to read. `false`: there is not going to be, or not in time. */
  async #more(options: WaitOptions): Promise<boolean> {
    for (const [key, problem] of this.#problems) {
      this.#problems.delete(key)
      throw problem
    }
    if (this.refusal !== undefined) {
      // A client that was stopped has no more records; one that never ran, or broke, cannot say that.
      if (this.refusal.code === 'STOPPED') return false
      throw this.refusal
    }
    if (this.#assigned.length === 0) {
      throw new StateError('no partition is assigned; call assign() first', { code: 'NOT_ASSIGNED' })
    }
    const woken = new Promise<void>((resolve) => this.#waiting.push(resolve))
    await bounded(this.ready(options.signal), 'poll()', options).catch(ignoreTimeout)
    try {
      await bounded(woken, 'poll()', options)
      return true
    } catch (error) {
      ignoreTimeout(error)
      return false
    }
  }

  #wake(): void {
    for (const waiting of this.#waiting.splice(0)) waiting()
  }

  /** Tells the core now, or once it is loaded. */
  #tell(command: (boundary: Boundary) => void): void {
    const { boundary } = this
    if (boundary === undefined) {
      this.#deferred.push(command)
      return
    }
    guard(() => command(boundary))
    this.schedule()
  }

  #seek(partition: TopicPartition, { kind, value }: Place): void {
    this.#tell(({ handle }) => handle.seek(handle.topic(partition.topic), partition.partition, kind, value))
    this.#batches = this.#batches.filter(({ key }) => key !== keyOf(partition))
    this.#problems.delete(keyOf(partition))
    this.#wake()
  }

  #setPaused(partitions: readonly TopicPartition[], paused: boolean): void {
    partitions.forEach((partition) => this.#checkAssigned(partition))
    const places = partitions.map((partition) => ({ ...partition, kind: DEFAULT, value: 0n }))
    this.#tell(({ handle }) => handle.setPaused(placeList(handle, places), paused))
    for (const partition of partitions) {
      if (paused) this.#paused.add(keyOf(partition))
      else this.#paused.delete(keyOf(partition))
    }
  }

  async #listOffsets<T extends TopicPartition>(wanted: readonly T[], options: WaitOptions, which: (one: T) => object): Promise<OffsetFound[]> {
    wanted.forEach(checkPartition)
    if (wanted.length === 0) return []
    const partitions = wanted.map((one) => ({ topic: one.topic, partition: one.partition, ...which(one) }))
    return this.request('listOffsets', { ...options, partitions })
  }

  #checkAssigned(partition: TopicPartition): void {
    checkPartition(partition)
    if (this.#assigned.some((one) => one.topic === partition.topic && one.partition === partition.partition)) return
    const problem = `${partition.topic}-${partition.partition} is not assigned; call assign() first`
    throw new StateError(problem, { code: 'NOT_ASSIGNED' })
  }
}

/** A batch that is being read. */
interface Remainder {
  readonly batch: RecordBatch
  readonly key: string
  next: number
}

/** A place in a partition. */
interface Place {
  readonly kind: number
  /** An offset or a timestamp, where the kind says so. */
  readonly value: bigint
}

/** A list as wasm wants it: ../../src/exports/commands.rs says how. */
const placeList = (handle: ClientHandle, places: readonly (TopicPartition & Place)[]): Int32Array =>
  Int32Array.from(
    places.flatMap(({ topic, partition, kind, value }) => {
      const halves = [Number(BigInt.asIntN(32, value)), Number(value >> 32n)]
      return [handle.topic(topic), partition, kind, ...halves]
    }),
  )

function startOf(offset: StartOffset | undefined): Place {
  if (offset === undefined) return { kind: DEFAULT, value: 0n }
  if (offset === 'earliest') return { kind: EARLIEST, value: 0n }
  if (offset === 'latest') return { kind: LATEST, value: 0n }
  if (typeof offset === 'bigint' || Number.isInteger(offset) || (typeof offset === 'string' && /^\d+$/.test(offset))) {
    const value = BigInt.asIntN(64, BigInt(offset))
    if (value >= 0n) return { kind: AT, value }
  }
  throw unfit('offset', "an offset from 0, 'earliest' or 'latest'", offset)
}

function checkPartition(partition: TopicPartition): void {
  if (typeof partition !== 'object' || partition === null) throw unfit('partition', '{ topic, partition }', partition)
  checkTopic(partition.topic)
  const number: unknown = partition.partition
  if (!Number.isInteger(number) || (number as number) < 0 || (number as number) > 0x7fff_ffff) {
    throw unfit('partition', 'a whole number from 0', number)
  }
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

/** A time limit that has come is no error to poll(). */
function ignoreTimeout(error: unknown): undefined {
  if (error instanceof Error && error.name === 'TimeoutError') return undefined
  throw error
}

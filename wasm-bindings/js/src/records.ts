import { bigintFrom, type Boundary, numberFrom, Word } from './boundary.js'

// The index: client-core/src/protocol/record_batch/index.rs.
const RECORD_WORDS = 10
const OFFSET = 0
const TIMESTAMP = 2
const KEY = 4
const VALUE = 6
const HEADERS = 8
const HEADER_WORDS = 4
const NULL = -1

const decoder = new TextDecoder()

/** The headers of a record: an ordered list, in which a key may be repeated. */
export class RecordHeaders implements Iterable<[key: string, value: Uint8Array | null]> {
  readonly #batch: BatchData
  readonly #first: number
  /** How many there are. */
  readonly size: number

  /** @internal */
  constructor(batch: BatchData, first: number, size: number) {
    this.#batch = batch
    this.#first = first
    this.size = size
  }

  /** The value of the last header with this key, as in Java's `lastHeader`; undefined when there is none. */
  get(key: string): Uint8Array | null | undefined {
    return this.getAll(key).at(-1)
  }

  /** The values of all headers with this key, in order. */
  getAll(key: string): (Uint8Array | null)[] {
    const values: (Uint8Array | null)[] = []
    for (const [name, value] of this) if (name === key) values.push(value)
    return values
  }

  /** All headers, in order. */
  *entries(): IterableIterator<[key: string, value: Uint8Array | null]> {
    const { headers } = this.#batch
    for (let i = 0; i < this.size; i++) {
      const at = (this.#first + i) * HEADER_WORDS
      yield [decoder.decode(bytesAt(this.#batch, headers, at)!), bytesAt(this.#batch, headers, at + 2)]
    }
  }

  [Symbol.iterator](): IterableIterator<[key: string, value: Uint8Array | null]> {
    return this.entries()
  }
}

/** A record that was read. Nothing in it is decoded before it is looked at. */
export class ConsumerRecord {
  readonly #batch: BatchData
  readonly #at: number

  /** @internal */
  constructor(batch: BatchData, at: number) {
    this.#batch = batch
    this.#at = at
  }

  get topic(): string {
    return this.#batch.topic
  }

  get partition(): number {
    return this.#batch.partition
  }

  get offset(): bigint {
    const { index } = this.#batch
    return bigintFrom(index[this.#at + OFFSET]!, index[this.#at + OFFSET + 1]!)
  }

  /** Unix time in milliseconds: the producer's, or the broker's if the topic uses LogAppendTime. */
  get timestamp(): bigint {
    const { index } = this.#batch
    return bigintFrom(index[this.#at + TIMESTAMP]!, index[this.#at + TIMESTAMP + 1]!)
  }

  /** Whose time the timestamp is. */
  get timestampType(): 'CreateTime' | 'LogAppendTime' {
    return this.#batch.logAppendTime ? 'LogAppendTime' : 'CreateTime'
  }

  /** The key: a view of the fetched batch, not a copy. */
  get key(): Uint8Array | null {
    return bytesAt(this.#batch, this.#batch.index, this.#at + KEY)
  }

  /** The value: a view of the fetched batch, not a copy. */
  get value(): Uint8Array | null {
    return bytesAt(this.#batch, this.#batch.index, this.#at + VALUE)
  }

  get headers(): RecordHeaders {
    const { index } = this.#batch
    return new RecordHeaders(this.#batch, index[this.#at + HEADERS]!, index[this.#at + HEADERS + 1]!)
  }

  /** The value as text; null for null. */
  text(): string | null {
    const { value } = this
    return value === null ? null : decoder.decode(value)
  }

  /** The value as JSON; null for null. */
  json(): unknown {
    const text = this.text()
    return text === null ? null : JSON.parse(text)
  }

  toJSON(): object {
    const { topic, partition, key } = this
    const headers = [...this.headers].map(([name, value]) => [name, value === null ? null : decoder.decode(value)])
    const [offset, timestamp] = [this.offset.toString(), this.timestamp.toString()]
    return { topic, partition, offset, timestamp, key: key === null ? null : decoder.decode(key), value: this.text(), headers }
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return this.toJSON()
  }
}

/** Consecutive records of one partition, as they were fetched. */
export class RecordBatch implements Iterable<ConsumerRecord> {
  readonly #data: BatchData
  readonly #from: number
  /** How many records there are. */
  readonly length: number

  /** @internal */
  constructor(data: BatchData, from: number, length: number) {
    this.#data = data
    this.#from = from
    this.length = length
  }

  get topic(): string {
    return this.#data.topic
  }

  get partition(): number {
    return this.#data.partition
  }

  /** The partition's high watermark when the batch was fetched: the offset after the last committed record. */
  get highWatermark(): bigint {
    return this.#data.highWatermark
  }

  get firstOffset(): bigint {
    return this.at(0).offset
  }

  get lastOffset(): bigint {
    return this.at(this.length - 1).offset
  }

  /** The record at a place from 0 to `length - 1`. */
  at(place: number): ConsumerRecord {
    if (!(place >= 0 && place < this.length)) throw new RangeError(`there is no record ${place} among ${this.length}`)
    return new ConsumerRecord(this.#data, (this.#from + place) * RECORD_WORDS)
  }

  [Symbol.iterator](): IterableIterator<ConsumerRecord> {
    return new BatchIterator(this.#data, this.#from, this.#from + this.length)
  }

  /** The records as an array. */
  get records(): ConsumerRecord[] {
    return Array.from(this)
  }

  /** The rest of the batch. @internal */
  after(place: number): RecordBatch {
    return place === 0 ? this : new RecordBatch(this.#data, this.#from + place, this.length - place)
  }
}

class BatchIterator implements IterableIterator<ConsumerRecord> {
  readonly #data: BatchData
  readonly #end: number
  #next: number

  constructor(data: BatchData, from: number, end: number) {
    this.#data = data
    this.#next = from
    this.#end = end
  }

  next(): IteratorResult<ConsumerRecord> {
    if (this.#next >= this.#end) return { value: undefined, done: true }
    return { value: new ConsumerRecord(this.#data, this.#next++ * RECORD_WORDS), done: false }
  }

  [Symbol.iterator](): this {
    return this
  }
}

/** A fetched batch outside wasm. @internal */
export interface BatchData {
  readonly topic: string
  readonly partition: number
  readonly highWatermark: bigint
  readonly logAppendTime: boolean
  readonly bytes: ArrayBuffer
  readonly index: Int32Array
  readonly headers: Int32Array
}

const noHeaders = new Int32Array(0)

/** Copies the batch that was taken out of wasm memory. @internal */
export function copyBatch({ handle, memory }: Boundary, topicName: (topic: number) => string): RecordBatch | undefined {
  if (!handle.take()) return undefined
  memory.refresh()
  const { bytes, words } = memory
  const data = memory.report(Word.DataAddress) >>> 0
  const index = memory.report(Word.IndexAddress) >>> 2
  const headers = memory.report(Word.HeadersAddress) >>> 2
  const [records, headerCount] = [memory.report(Word.Records), memory.report(Word.Headers)]
  const batch: BatchData = {
    topic: topicName(memory.report(Word.Topic)),
    partition: memory.report(Word.Partition),
    highWatermark: BigInt(numberFrom(memory.report(Word.HighWatermarkLow), memory.report(Word.HighWatermarkHigh))),
    logAppendTime: memory.report(Word.LogAppendTime) !== 0,
    bytes: bytes.slice(data, data + memory.report(Word.DataBytes)).buffer as ArrayBuffer,
    index: words.slice(index, index + records * RECORD_WORDS),
    headers: headerCount === 0 ? noHeaders : words.slice(headers, headers + headerCount * HEADER_WORDS),
  }
  return new RecordBatch(batch, 0, records)
}

function bytesAt(batch: BatchData, words: Int32Array, at: number): Uint8Array | null {
  const length = words[at + 1]!
  return length === NULL ? null : new Uint8Array(batch.bytes, words[at]!, length)
}

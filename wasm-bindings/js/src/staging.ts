import type { Boundary } from './boundary.js'
import { type HeaderPair, unfit } from './messages.js'
import { type Compression, expected } from './options.js'
import { clientOptions, type OptionInfo } from './options-table.js'

// The format: ../../src/exports/staging.rs.
const FLAG_PARTITION = 1
const FLAG_TIMESTAMP = 2
const FLAG_HEADERS = 4
const FLAG_BITS = 8
/** Their words are in the order of Kafka's numbers. */
const compressions: OptionInfo = clientOptions.producer.compression

/** The size of the area to begin with: large enough for many records, small enough to stay in a processor's cache. */
const AREA_BYTES = 128 * 1024
/** Shorter strings are written character by character as long as they are ASCII. */
const SHORT_STRING = 24

/** Node's own way to write a string into memory, which needs no view of the place. */
interface NodeBuffer extends Uint8Array {
  utf8Write(text: string, start: number, length: number): number
}
const nodeBuffer = (globalThis as unknown as { Buffer?: { from(memory: ArrayBufferLike): NodeBuffer } }).Buffer
const encoder = new TextEncoder()

/** The flags of records that are to be compressed like this; `undefined` is as configured. */
export function compressionFlags(compression: Compression | undefined): number {
  if (compression === undefined) return 0
  const words = expected(compression, compressions)
  if (words !== undefined) throw unfit('compression', words, compression)
  // Default and kind stand before the words.
  return (compressions.indexOf(compression, 2) - 1) << 3
}

/** Writes records straight into wasm memory. */
export class StagingArea {
  readonly #boundary: Boundary
  #address: number
  #capacity = AREA_BYTES
  #buffer: NodeBuffer | undefined
  /** How many bytes are staged. */
  length = 0

  constructor(boundary: Boundary) {
    this.#boundary = boundary
    this.#address = boundary.handle.reserve(AREA_BYTES)
    this.refresh()
  }

  /** To be called after each call into wasm that may have grown its memory. */
  refresh(): void {
    const { memory } = this.#boundary
    memory.refresh()
    if (nodeBuffer !== undefined && this.#buffer?.buffer !== memory.bytes.buffer) {
      this.#buffer = nodeBuffer.from(memory.bytes.buffer)
    }
  }

  /** Whether a record of at most that many bytes still fits. */
  fits(bytes: number): boolean {
    return this.length + bytes <= this.#capacity
  }

  /** Makes the area large enough for one record; what is staged stays. */
  grow(bytes: number): void {
    this.#capacity = Math.max(this.#capacity, this.length + bytes)
    this.#address = this.#boundary.handle.reserve(this.#capacity)
    this.refresh()
  }

  /** Moves what a commit has left over to the front. */
  discard(bytes: number): void {
    const { memory } = this.#boundary
    if (bytes < this.length) memory.bytes.copyWithin(this.#address, this.#address + bytes, this.#address + this.length)
    this.length -= bytes
  }

  /** Writes one record. `largest` (see `sizeAtMost`) has been found to fit. */
  write(
    topic: number,
    partition: number | undefined,
    timestamp: number | undefined,
    key: Uint8Array | string | null | undefined,
    value: Uint8Array | string | null | undefined,
    headers: readonly HeaderPair[] | undefined,
    flags: number,
  ): void {
    // Bytes that arrived for another client may have made the memory grow since this one's last turn. Writing to the old views
    // would go nowhere, without an error.
    if (this.#boundary.memory.words.length === 0) this.refresh()
    const { words } = this.#boundary.memory
    const start = (this.#address + this.length) >>> 2
    let word = start + 3
    if (partition !== undefined) {
      flags |= FLAG_PARTITION
      words[word++] = partition
    }
    if (timestamp !== undefined) {
      flags |= FLAG_TIMESTAMP
      words[word++] = timestamp % 0x1_0000_0000
      words[word++] = Math.floor(timestamp / 0x1_0000_0000)
    }
    let lengths = 0
    if (headers !== undefined && headers.length > 0) {
      flags |= FLAG_HEADERS
      words[word++] = headers.length
      lengths = word
      word += headers.length * 2
    }
    words[start] = (topic << FLAG_BITS) | flags
    let at = word << 2
    const keyLength = this.#put(key, at)
    words[start + 1] = keyLength
    if (keyLength > 0) at += keyLength
    const valueLength = this.#put(value, at)
    words[start + 2] = valueLength
    if (valueLength > 0) at += valueLength
    if (lengths !== 0) {
      for (const [name, content] of headers!) {
        const nameLength = this.#put(name, at)
        words[lengths++] = nameLength
        at += nameLength
        const contentLength = this.#put(content, at)
        words[lengths++] = contentLength
        if (contentLength > 0) at += contentLength
      }
    }
    this.length = ((at + 3) & ~3) - this.#address
  }

  /** Writes a value at an address and returns its length, -1 for null. */
  #put(value: Uint8Array | string | null | undefined, at: number): number {
    if (value === null || value === undefined) return -1
    const { bytes } = this.#boundary.memory
    if (typeof value !== 'string') {
      bytes.set(value, at)
      return value.length
    }
    const length = value.length
    if (length < SHORT_STRING) {
      let i = 0
      for (; i < length; i++) {
        const code = value.charCodeAt(i)
        if (code > 127) break
        bytes[at + i] = code
      }
      if (i === length) return length
    }
    if (this.#buffer !== undefined) return this.#buffer.utf8Write(value, at, length * 3)
    return encoder.encodeInto(value, bytes.subarray(at, at + length * 3)).written
  }
}

/** The most bytes that a record may take in the area: a UTF-16 unit becomes at most three bytes. */
export function sizeAtMost(
  key: Uint8Array | string | null | undefined,
  value: Uint8Array | string | null | undefined,
  headers: readonly HeaderPair[] | undefined,
): number {
  let size = 32 + most(key) + most(value)
  if (headers !== undefined) {
    for (const [name, content] of headers) size += 8 + most(name) + most(content)
  }
  return size
}

const most = (value: Uint8Array | string | null | undefined): number =>
  value === null || value === undefined ? 0 : typeof value === 'string' ? value.length * 3 : value.length

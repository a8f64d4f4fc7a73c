import type { ClientHandle } from '#glue'
import { breakDown, brokenCore } from './core.js'
import { fromObject, isErrorObject } from './errors.js'

/** The words of the report, which ../../src/exports/report.rs fills. */
export const enum Word {
  CommittedBytes = 0,
  CommittedRecords = 1,
  FirstRecordIdLow = 2,
  FirstRecordIdHigh = 3,
  BufferFull = 4,
  RejectionsAddress = 5,
  Rejections = 6,
  SettlementsAddress = 8,
  Settlements = 9,
  Topic = 12,
  Partition = 13,
  DataAddress = 14,
  DataBytes = 15,
  IndexAddress = 16,
  Records = 17,
  HeadersAddress = 18,
  Headers = 19,
  HighWatermarkLow = 20,
  HighWatermarkHigh = 21,
  LogAppendTime = 22,
  LeaderEpoch = 23,
}

/**
 * The views of wasm memory. A view ends when the memory grows, which any call into wasm may cause: `refresh` after each.
 */
export class Memory {
  readonly #memory: WebAssembly.Memory
  readonly #report: number
  bytes: Uint8Array
  words: Int32Array

  constructor(memory: WebAssembly.Memory, reportAddress: number) {
    this.#memory = memory
    this.#report = reportAddress >>> 2
    this.bytes = new Uint8Array(memory.buffer)
    this.words = new Int32Array(memory.buffer)
  }

  /** Takes the views again if they have ended; returns whether they had. */
  refresh(): boolean {
    if (this.words.buffer === this.#memory.buffer) return false
    this.bytes = new Uint8Array(this.#memory.buffer)
    this.words = new Int32Array(this.#memory.buffer)
    return true
  }

  /** A word of the report. */
  report(word: number): number {
    return this.words[this.#report + word]!
  }

  /** Two words of the report as one number below 2^53. */
  reportNumber(low: number): number {
    return numberFrom(this.report(low), this.report(low + 1))
  }
}

/** A 64-bit integer from its halves; exact up to 2^53. */
export const numberFrom = (low: number, high: number): number => high * 0x1_0000_0000 + (low >>> 0)

/** A 64-bit integer from its halves. */
export const bigintFrom = (low: number, high: number): bigint =>
  high >= -0x20_0000 && high < 0x20_0000
    ? BigInt(high * 0x1_0000_0000 + (low >>> 0))
    : (BigInt(high) << 32n) | BigInt(low >>> 0)

/**
 * Calls into wasm. What wasm throws as an error object becomes an error of this package; anything else is a broken core.
 */
export function guard<T>(call: () => T): T {
  const broken = brokenCore()
  if (broken !== undefined) throw broken
  try {
    return call()
  } catch (thrown) {
    throw translate(thrown)
  }
}

/** What a call into wasm threw, as an error of this package. */
export function translate(thrown: unknown): Error {
  if (isErrorObject(thrown)) return fromObject(thrown)
  return breakDown(thrown instanceof Error ? thrown.message : String(thrown), thrown)
}

/** One client in wasm, and the memory it lives in. */
export interface Boundary {
  readonly handle: ClientHandle
  readonly memory: Memory
}

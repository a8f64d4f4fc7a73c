/** What `wasm-bindgen --target web` generates from ../../src/exports, and build.mjs makes of it. */
declare module '#glue' {
  export interface InitOutput {
    readonly memory: WebAssembly.Memory
  }
  /** What the core imports. */
  export function coreImports(): WebAssembly.Imports
  /** Makes the classes below use this core. */
  export function useCore(instance: WebAssembly.Instance, module: WebAssembly.Module): InitOutput
  export function onPanic(tell: (message: string) => void): void

  export class ClientHandle {
    constructor(role: string, layers: readonly unknown[], network: unknown, token: string | undefined, wake: () => void)
    free(): void
    reportAddress(): number
    topic(name: string): number
    topicName(topic: number): string | undefined
    reserve(bytes: number): number
    commit(bytes: number): void
    drain(): unknown[] | undefined
    takeErrors(): unknown[]
    take(): boolean
    connected(broker: number, generation: number): void
    received(broker: number, generation: number, bytes: Uint8Array): void
    disconnected(broker: number, generation: number, how: number, closeCode: number, detail: string): void
    credentials(broker: number, generation: number, answer: unknown): void
    start(timeoutMs?: number): number
    stop(timeoutMs?: number): number
    cancel(operation: number): void
    state(): string
    flush(timeoutMs?: number): number
    writable(): number | undefined
    bufferedBytes(): number
    assign(list: Int32Array): boolean
    position(topic: number, partition: number): bigint | undefined
    seek(topic: number, partition: number, kind: number, offset: bigint): void
    setPaused(list: Int32Array, paused: boolean): void
    request(name: string, request: unknown, timeoutMs?: number): number
    counters(): Record<string, number>
  }
}

/** core.wasm, gzipped and in base64. */
declare module '#packed' {
  const packed: string
  export default packed
}

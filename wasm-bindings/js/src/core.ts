import { coreImports, onPanic, useCore } from '#glue'
import { InternalError, StateError } from './errors.js'

/** Something a core.wasm can be made from. */
export type CoreSource = BufferSource | WebAssembly.Module | Response | URL | string

/** The loaded core. @internal */
export interface Core {
  readonly memory: WebAssembly.Memory
}

/** Who wants to know that the core is broken. @internal */
export interface Victim {
  fail(error: InternalError): void
}

let loading: Promise<Core> | undefined
let broken: InternalError | undefined
const victims = new Set<WeakRef<Victim>>()
const timers = new Set<Timer>()

type Timer = ReturnType<typeof setTimeout>

/** Loads the core once; later callers get the same one, whatever they bring. @internal */
export function loadCore(source: () => CoreSource | Promise<CoreSource>): Promise<Core> {
  loading ??= compile(source).catch((cause: unknown) => {
    // The next call tries again: a network may be back by then.
    loading = undefined
    throw cause
  })
  return loading
}

/** The core that somebody else has loaded. @internal */
export function loadedCore(): Promise<Core> {
  const problem = "the core is not loaded; call init() of 'kafka-wasm/slim' first"
  return loading ?? Promise.reject(new StateError(problem, { code: 'NOT_INITIALIZED' }))
}

async function compile(source: () => CoreSource | Promise<CoreSource>): Promise<Core> {
  const module = await toModule(await source())
  const core = useCore(await WebAssembly.instantiate(module, coreImports()), module)
  onPanic(breakDown)
  return core
}

async function toModule(source: CoreSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source
  if (typeof source === 'string' || source instanceof URL) source = await fetch(source)
  if (!(typeof Response === 'function' && source instanceof Response)) {
    return WebAssembly.compile(source as BufferSource)
  }
  if (!source.ok) {
    const problem = `core.wasm: ${source.url} answered ${source.status} ${source.statusText}`
    throw new StateError(problem, { code: 'NOT_INITIALIZED', retriable: true })
  }
  const streams = source.headers.get('content-type')?.startsWith('application/wasm') === true
  return streams ? WebAssembly.compileStreaming(source) : WebAssembly.compile(await source.arrayBuffer())
}

/** Registers a client that must be told when the core breaks. @internal */
export function watch(victim: Victim): void {
  victims.add(new WeakRef(victim))
}

/** The reason why the core must not be called any more, if there is one. @internal */
export const brokenCore = (): InternalError | undefined => broken

/** After a panic nothing in wasm can be trusted: every client fails, now and for ever. @internal */
export function breakDown(problem: string, cause?: unknown): InternalError {
  if (broken !== undefined) return broken
  const error = new InternalError(problem, cause)
  broken = error
  for (const timer of timers) clearTimeout(timer)
  // Not from here: wasm is still on the stack.
  queueMicrotask(() => {
    for (const victim of victims) victim.deref()?.fail(error)
    victims.clear()
  })
  return error
}

/**
 * The core's own timers. They call into it with nobody of ours on the stack, and what leaves a timer's callback ends a Node
 * process without telling any client why: so it is caught here. @internal
 */
export function setTimer(callback: () => void, millis: number): Timer {
  const timer = setTimeout(() => {
    timers.delete(timer)
    try {
      callback()
    } catch (thrown) {
      breakDown(String(thrown), thrown)
    }
  }, millis)
  timers.add(timer)
  return timer
}

/** @internal */
export function clearTimer(timer: Timer): void {
  timers.delete(timer)
  clearTimeout(timer)
}

import type { CloseCause, ConnectionHandlers, Transport, TransportConnection } from '../transport.js'

/** The part of the standard WebSocket class that is used here. */
export interface WebSocketClass {
  new (url: string, protocols: string[]): WebSocketLike
}

/** The part of a standard WebSocket that is used here. */
export interface WebSocketLike {
  binaryType: string
  readonly bufferedAmount: number
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  send(bytes: Uint8Array): void
  close(): void
}

/** Where the bridge is. */
export interface WebSocketOptions {
  /** The bridge's endpoint, such as `ws://localhost:8090/v1/tcp`; brokers are named in `?target=`. */
  readonly bridge: string | URL
  /** What lets this client in; sent in the subprotocol list. */
  readonly token?: string
  /** The class to use where there is no global WebSocket, as in Node 20 (for example that of the package `ws`). */
  readonly WebSocket?: WebSocketClass
}

const SUBPROTOCOL = 'kafka-bridge.v1'
/** kafka-bridge takes messages of up to 1 MiB. */
const MESSAGE_BYTES_MAX = 512 * 1024
/** While the host buffers more than this, messages wait here. */
const HOST_BUFFER_BYTES_MAX = 1024 * 1024
const LOOK_AGAIN_MS = 2

/**
 * Through a bridge with a WebSocket class of your choice. Browsers need no transport: there the option `bridge` does it.
 */
export function websocket(options: WebSocketOptions): Transport {
  const { bridge, token, WebSocket: given, ...unknown } = options
  for (const key of Object.keys(unknown)) {
    throw new TypeError(`websocket(): there is no option ${key}; there are: bridge, token, WebSocket`)
  }
  const SocketClass = given ?? (globalThis as { WebSocket?: WebSocketClass }).WebSocket
  if (SocketClass === undefined) {
    throw new TypeError("websocket(): this host has no WebSocket; give one as the option WebSocket, such as that of 'ws'")
  }
  const endpoint = new URL(bridge)
  endpoint.protocol = endpoint.protocol.replace(/^http/, 'ws')
  if (endpoint.protocol !== 'ws:' && endpoint.protocol !== 'wss:') {
    throw new TypeError(`websocket(): bridge: expected a ws: or wss: URL, found ${String(bridge)}`)
  }
  if (endpoint.pathname === '/') endpoint.pathname = '/v1/tcp'
  endpoint.hash = ''
  const protocols = token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, `bearer.${base64Url(token)}`]
  return {
    connect: (host, port, handlers) => {
      const url = new URL(endpoint)
      url.searchParams.set('target', host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)
      return open(new SocketClass(url.href, protocols), handlers)
    },
  }
}

function open(socket: WebSocketLike, handlers: ConnectionHandlers): TransportConnection {
  const waiting: Uint8Array[] = []
  let looking: ReturnType<typeof setTimeout> | undefined
  let opened = false
  const passOn = (): void => {
    looking = undefined
    while (waiting.length > 0 && socket.bufferedAmount < HOST_BUFFER_BYTES_MAX) socket.send(waiting.shift()!)
    if (waiting.length > 0) looking = setTimeout(passOn, LOOK_AGAIN_MS)
  }
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => {
    opened = true
    handlers.open()
  }
  socket.onmessage = (event: { data: unknown }) => {
    if (event.data instanceof ArrayBuffer) handlers.data(new Uint8Array(event.data))
  }
  // What went wrong comes with the close event; without a listener some implementations throw.
  socket.onerror = () => {}
  socket.onclose = (event: { code: number; reason: string }) => {
    clearTimeout(looking)
    handlers.close(causeOf(event.code, event.reason, opened))
  }
  return {
    write: (bytes) => {
      for (let start = 0; start < bytes.length; start += MESSAGE_BYTES_MAX) {
        waiting.push(bytes.subarray(start, start + MESSAGE_BYTES_MAX))
      }
      if (looking === undefined) passOn()
    },
    close: () => {
      clearTimeout(looking)
      socket.onopen = socket.onmessage = socket.onclose = null
      socket.close()
    },
  }
}

function causeOf(closeCode: number, reason: string, opened: boolean): CloseCause {
  if (closeCode === 1000 && opened) return { how: 'closed' }
  if (closeCode !== 1006 || reason !== '') return { how: 'bridge', closeCode, reason }
  return { how: 'bridge', closeCode, reason: opened ? 'the connection to the bridge broke' : 'no connection to the bridge' }
}

const base64Url = (text: string): string =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

import { type CoreSource, loadCore, loadedCore } from './core.js'
import { KafkaBase } from './kafka.js'
import type { KafkaOptions } from './options.js'

export * from './public.js'
export type { CoreSource } from './core.js'

/**
 * Loads the core from `kafka-wasm/core.wasm`: its URL, a Response, its bytes or a compiled module. Once is enough; clients
 * can be made before it, and used after.
 */
export async function init(source: CoreSource | Promise<CoreSource>): Promise<void> {
  await loadCore(() => source)
}

/** Where clients come from. */
export class Kafka extends KafkaBase {
  constructor(options: KafkaOptions) {
    super(options, { load: loadedCore })
  }
}

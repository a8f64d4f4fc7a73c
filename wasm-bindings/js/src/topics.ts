import { unfit } from './messages.js'

/** A partition as metadata describes it. */
export interface PartitionInfo {
  readonly topic: string
  readonly partition: number
  /** The leader's node id; absent while there is none. */
  readonly leader?: number
  /** The leader's epoch, -1 if the broker did not say. */
  readonly leaderEpoch: number
  /** Node ids of all replicas. */
  readonly replicas: readonly number[]
  /** Node ids of the replicas in sync. */
  readonly inSyncReplicas: readonly number[]
}

/** Throws unless Kafka would take this topic name. @internal */
export function checkTopic(topic: unknown): asserts topic is string {
  if (typeof topic === 'string' && /^[a-zA-Z0-9._-]{1,249}$/.test(topic) && topic !== '.' && topic !== '..') return
  throw unfit('topic', '1 to 249 of a-z, A-Z, 0-9, ".", "_", "-"', topic)
}

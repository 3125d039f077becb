/**
 * Ids of action executions, made from the id of their pipeline execution so that deciding the same event twice names
 * them alike (`decide` draws no random numbers): the last twelve hex digits are counted up. Within an execution they
 * are distinct for certain; across executions the other 74 random bits keep them apart.
 */
import { assert } from '../../common/index.ts';

const NODE_SPAN = 2 ** 48;

/** `number` counts from 1. */
export function actionExecutionId(executionId: string, number: number): string {
  assert(executionId.length === 36, `an execution id is a UUID: ${executionId}`);
  const node = (Number.parseInt(executionId.slice(24), 16) + number) % NODE_SPAN;
  return executionId.slice(0, 24) + node.toString(16).padStart(12, '0');
}

/**
 * Makes, changes and deletes the resources of stacks, by calls through the door as the stack's role or its caller.
 *
 * Every try at the same physical resource uses the same name, made of the stack's id, the logical id and the generation:
 * a try after a crash finds what the one before it made.
 */
import { createHash } from 'node:crypto';
import { isAwsError, type JsonObject } from '../../common/index.ts';
import { decide, type StackEffect, type StackEvent } from '../../core/cloudformation-stack/index.ts';
import { evaluate, isObject, isOpen } from '../../core/cloudformation-template/index.ts';
import { defineLoop, type LoopDefinition } from '../../engine/index.ts';
import type { House } from '../service.ts';
import { openSecret } from './configuration.ts';
import { type Stack, STACK_KIND, type StackConfiguration, stacks } from './records.ts';
import { CallRefused, type Made, Making, type ResourceType } from './resource-type.ts';
import { stackClient } from './role-sessions.ts';
import { RESOURCE_TYPES } from './types/index.ts';

type Event = StackEvent<StackConfiguration>;
type OnResource = Exclude<StackEffect, { type: 'Wake' }>;

export function stackLoop(house: House): LoopDefinition<Stack, Event, StackEffect> {
  return defineLoop<Stack, Event, StackEffect>({
    kind: STACK_KIND,
    decide,
    isFinal: ({ status }) => status === 'DELETE_COMPLETE',
    async perform(effect, { key }) {
      if (effect.type === 'Wake') return undefined;
      const stack = (await stacks.get(house.store, key))?.document;
      const configuration = stack?.operation?.target ?? stack?.latest;
      if (stack === undefined || configuration === undefined) return undefined;
      const failed = (reason: string, physicalId?: string): Event => ({
        type: 'ResourceFailed',
        task: effect.task,
        reason,
        ...(physicalId === undefined ? {} : { physicalId }),
      });
      const scope = { account: key.account, region: key.region };
      let making: Making | undefined;
      const opened = new Set<string>();
      try {
        const client = await stackClient(house, scope, stack.stackId, configuration);
        making = new Making(client, {
          stackName: stack.stackName,
          logicalId: effect.logicalId,
          suffix: suffixOf(stack.stackId, effect),
        });
        return await work(house, stack, configuration, effect, making, opened);
      } catch (error) {
        if (isPassing(error)) throw error;
        return failed(hide(reasonOf(error), opened), making?.begun);
      }
    },
    onGivenUp(effect, error) {
      if (effect.type === 'Wake') return { type: 'TimerFired', timer: 'given-up' };
      return { type: 'ResourceFailed', task: effect.task, reason: reasonOf(error) };
    },
  });
}

async function work(
  house: House,
  stack: Stack,
  configuration: StackConfiguration,
  effect: OnResource,
  making: Making,
  opened: Set<string>,
): Promise<Event> {
  const type: ResourceType | undefined = RESOURCE_TYPES[effect.resourceType];
  if (type === undefined) throw new Error(`${effect.resourceType} is not implemented by Sluice`);
  const clear = (properties: JsonObject): JsonObject => {
    const secret = (name: string): string => {
      const value = openSecret(house, stack.stackId, configuration.secrets, name);
      opened.add(value);
      return value;
    };
    const found = evaluate(properties, { ref: () => undefined, secret }) ?? {};
    if (!isObject(found) || isOpen(found)) throw new Error('a property refers to a value that there is none of');
    return found;
  };
  const { task } = effect;
  switch (effect.type) {
    case 'CreateResource':
      return applied(task, await type.create(making, clear(effect.properties)), opened);
    case 'UpdateResource': {
      const { physicalId, properties, before } = effect;
      const made = await type.update(making, physicalId, clear(properties), clear(before));
      return applied(task, made, opened);
    }
    default:
      await type.remove(making, effect.physicalId, clear(effect.properties));
      return { type: 'ResourceDeleted', task };
  }
}

/** An attribute that shows a NoEcho parameter is not kept: nothing can refer to it. */
function applied(task: string, { physicalId, attributes }: Made, opened: ReadonlySet<string>): Event {
  const shown = Object.entries(attributes).filter(([, value]) => hide(value, opened) === value);
  return { type: 'ResourceApplied', task, physicalId, attributes: Object.fromEntries(shown) };
}

/** The text without the values of NoEcho parameters. */
function hide(text: string, opened: ReadonlySet<string>): string {
  return [...opened].reduce((hidden, value) => (value === '' ? hidden : hidden.replaceAll(value, '****')), text);
}

function suffixOf(stackId: string, { logicalId, generation }: OnResource): string {
  const digest = createHash('sha256').update(`${stackId}\n${logicalId}\n${generation}`).digest();
  return Array.from(digest.subarray(0, 12), (byte) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'.charAt(byte % 36)).join(
    '',
  );
}

/** What is worth another try rather than a verdict. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof CallRefused)) return false;
  return /Throttl|TooManyRequests|SlowDown|Unavailable|ServiceException|InternalFailure|InternalError/.test(error.code);
}

const SERVICE_NAMES: Readonly<Record<string, string>> = {
  iam: 'AmazonIdentityManagement',
  lambda: 'AWSLambdaInternal',
  logs: 'AWSLogs',
  s3: 'Amazon S3',
  sns: 'AmazonSNS',
  sqs: 'AmazonSQS',
  ssm: 'AWSSimpleSystemsManagement',
};

/** The ResourceStatusReason. */
function reasonOf(error: unknown): string {
  if (error instanceof CallRefused) {
    const { service, operation, code, statusCode, message } = error;
    if (message.startsWith('User: ')) return `API: ${service}:${operation} ${message}`;
    return `${message} (Service: ${SERVICE_NAMES[service] ?? service}; Status Code: ${statusCode}; Error Code: ${code})`;
  }
  if (isAwsError(error) || error instanceof Error) return error.message;
  return 'Internal Failure';
}

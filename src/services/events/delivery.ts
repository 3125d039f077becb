/** Matching an event against the rules of a bus, and the loop that delivers it to each target, at least once. */
import type { Target } from '@aws-sdk/client-eventbridge';
import { isAwsError, isoSeconds, type Json, type JsonObject, parseArn } from '../../common/index.ts';
import {
  decide,
  type DeliveryEffect,
  type DeliveryEvent,
  type DeliveryState,
  type Failure,
} from '../../core/event-delivery/index.ts';
import { type CompiledPattern, compilePattern } from '../../core/event-pattern/index.ts';
import { inputFor } from '../../core/input-transformer/index.ts';
import { defineLoop, type LoopDefinition } from '../../engine/index.ts';
import type { Tx } from '../../store/index.ts';
import type { House, Scope } from '../service.ts';
import { type Rule, ruleArn, rules } from './records.ts';
import { sendToTarget } from './targets.ts';

const KIND = 'events.delivery';

type Delivery = Readonly<{
  target: Target;
  text: string;
  ruleArn: string;
  eventId: string;
  scope: Scope;
  token: string;
  /** The account and the Region that the event comes from. */
  account: string;
  region?: string;
}>;

export function deliveryLoop(house: House): LoopDefinition<DeliveryState, DeliveryEvent, DeliveryEffect> {
  return defineLoop<DeliveryState, DeliveryEvent, DeliveryEffect>({
    kind: KIND,
    history: 'None',
    decide,
    isFinal: (state) => state.phase === 'Delivered',
    perform: async (effect, { key }) => {
      switch (effect.type) {
        case 'Deliver':
          try {
            await sendToTarget(house, effect.delivery as Delivery);
            return { type: 'Taken' };
          } catch (error) {
            return { type: 'Failed', ...failureOf(error) };
          }
        case 'DeadLetter':
          await sendToDeadLetterQueue(house, effect.delivery as Delivery, effect);
          return { type: 'DeadLetterDone' };
        case 'Forget':
          await house.store.transaction((tx) => house.engine.remove(tx, KIND, key));
          return;
        default:
          return;
      }
    },
    onGivenUp: () => ({ type: 'DeadLetterDone' }),
  });
}

/** Starts a delivery to each target of each enabled rule of the bus that matches. `passedOn`: a rule of another bus sent it. */
export async function match(
  tx: Tx,
  house: House,
  scope: Scope,
  bus: string,
  event: JsonObject,
  passedOn: boolean,
): Promise<void> {
  const candidates = await rules.list(tx, { account: scope.account, region: scope.region, parent: bus });
  for (const { document: rule } of candidates) {
    if (!rule.enabled || rule.pattern === undefined || rule.targets.length === 0) continue;
    if (matcherOf(rule.pattern)(event))
      await deliverTo(
        tx,
        house,
        scope,
        rule,
        event,
        `${ruleArn(scope, bus, rule.name)}/${String(event['id'])}`,
        passedOn,
      );
  }
}

/**
 * `token` names this delivery for ever: the same twice makes one delivery. What came from another bus goes on to no third one,
 * so that no event runs in a circle. Source: EventBridge User Guide, "Sending events between event buses", notes.
 */
export async function deliverTo(
  tx: Tx,
  house: House,
  scope: Scope,
  rule: Rule,
  event: JsonObject,
  token: string,
  passedOn = false,
): Promise<void> {
  const now = house.clock.now();
  const arn = ruleArn(scope, rule.bus, rule.name);
  for (const target of rule.targets) {
    if (passedOn && parseArn(target.Arn ?? '')?.service === 'events') continue;
    const text = inputFor(
      {
        ...(target.Input === undefined ? {} : { input: target.Input }),
        ...(target.InputPath === undefined ? {} : { inputPath: target.InputPath }),
        ...(target.InputTransformer === undefined
          ? {}
          : {
              transformer: {
                paths: target.InputTransformer.InputPathsMap ?? {},
                template: target.InputTransformer.InputTemplate ?? '',
              },
            }),
      },
      event as Json,
      { ruleArn: arn, ruleName: rule.name, ingestionTime: isoSeconds(now) },
    );
    const delivery: Delivery = {
      target,
      text,
      ruleArn: arn,
      eventId: String(event['id']),
      scope: { account: scope.account, region: scope.region },
      account: String(event['account']),
      region: String(event['region']),
      token: `${String(event['id'])}-${target.Id}`.replaceAll(/[^a-zA-Z0-9-]/g, '-').slice(0, 64),
    };
    const state: DeliveryState = {
      phase: 'Delivering',
      attempts: 0,
      firstAt: now,
      mostAttempts: target.RetryPolicy?.MaximumRetryAttempts ?? 185,
      longestMs: (target.RetryPolicy?.MaximumEventAgeInSeconds ?? 86_400) * 1_000,
      hasDeadLetterQueue: target.DeadLetterConfig?.Arn !== undefined,
      delivery,
    };
    const key = { account: scope.account, region: scope.region, id: `${token}/${target.Id}` };
    await house.engine.create(tx, KIND, key, state, [{ type: 'Deliver', delivery }]);
  }
}

/** Errors that another try cannot mend. Source: EventBridge User Guide, "Considerations for using a dead-letter queue". */
function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  if (!isAwsError(error)) return { code: 'INTERNAL_ERROR', message, retryable: true };
  if (/AccessDenied|Unauthorized|AuthorizationError/.test(error.code))
    return { code: 'NO_PERMISSIONS', message, retryable: false };
  if (/NotFound|NoSuch|NonExistent|DoesNotExist|NotImplemented/.test(error.code))
    return { code: 'NO_RESOURCE', message, retryable: false };
  if (/Validation|Invalid|MalformedDetail/.test(error.code))
    return { code: 'INVALID_PARAMETER', message, retryable: false };
  if (/Throttl|TooManyRequests|LimitExceeded/.test(error.code)) return { code: 'THROTTLING', message, retryable: true };
  return { code: 'SDK_CLIENT_ERROR', message, retryable: true };
}

async function sendToDeadLetterQueue(
  house: House,
  delivery: Delivery,
  failure: Readonly<{ attempts: number; code: string; message: string; condition: string }>,
): Promise<void> {
  const queue = parseArn(delivery.target.DeadLetterConfig?.Arn ?? '');
  const client = house.door.asService('events.amazonaws.com', delivery.scope, {
    sourceArn: delivery.ruleArn,
    sourceAccount: delivery.scope.account,
  });
  const QueueUrl = `${house.config.endpoint()}/${queue?.account}/${queue?.resource}`;
  const text = (StringValue: string): object => ({ DataType: 'String', StringValue });
  await client.call('sqs', 'SendMessage', {
    QueueUrl,
    MessageBody: delivery.text,
    MessageAttributes: {
      RULE_ARN: text(delivery.ruleArn),
      TARGET_ARN: text(delivery.target.Arn ?? ''),
      ERROR_CODE: text(failure.code),
      ERROR_MESSAGE: text(failure.message.slice(0, 1000)),
      EXHAUSTED_RETRY_CONDITION: text(failure.condition),
      RETRY_ATTEMPTS: text(String(failure.attempts)),
    },
  });
}

/** Compiled patterns by their text: pure, so shared by every house of the process. */
const compiledPatterns = new Map<string, CompiledPattern>();
const MOST_COMPILED = 2_000;

function matcherOf(pattern: string): CompiledPattern {
  const known = compiledPatterns.get(pattern);
  if (known !== undefined) return known;
  const compiled = compilePattern(pattern);
  const matcher: CompiledPattern = 'invalid' in compiled ? () => false : compiled.matches;
  if (compiledPatterns.size >= MOST_COMPILED) compiledPatterns.clear();
  compiledPatterns.set(pattern, matcher);
  return matcher;
}

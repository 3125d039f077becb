/**
 * The ways to name a function: `my-fn`, `my-fn:live`, `111122223333:function:my-fn`, or its whole ARN; the last two with
 * a qualifier too. Source: Lambda API Reference, "FunctionName" of each operation.
 */
import { AwsError } from '../../common/index.ts';
import type { Call } from '../service.ts';
import type { Place } from './records.ts';

export type Named = Readonly<{ place: Place; qualifier?: string }>;

const NAME = /^(?:(?:arn:[^:]+:lambda:)?(?:([a-z]{2}(?:-[a-z]+)+-\d):)?(\d{12}):)?(?:function:)?([^:]+)(?::([^:]+))?$/;
const LONGEST_NAME = 64;

/**
 * `text` may be missing or malformed where it is not yet validated (`authorize`): it then stands for itself.
 * Throws `InvalidParameterValueException` for two different qualifiers, `ResourceNotFoundException` for another Region.
 */
export function parseName(call: Call, text: string | undefined, qualifierParameter?: string): Named {
  const match = NAME.exec(text ?? '');
  const [, region, account, name = text ?? '', inName] = match ?? [];
  if (region !== undefined && region !== call.region) {
    throw new AwsError(
      'ResourceNotFoundException',
      `Functions from '${region}' are not reachable in this region ('${call.region}')`,
    );
  }
  if (name.length > LONGEST_NAME && match !== null) {
    throw new AwsError(
      'InvalidParameterValueException',
      `1 validation error detected: Value '${name}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to ${LONGEST_NAME}`,
    );
  }
  if (inName !== undefined && qualifierParameter !== undefined && inName !== qualifierParameter) {
    throw new AwsError(
      'InvalidParameterValueException',
      'The derived qualifier from the function name does not match the specified qualifier.',
    );
  }
  const qualifier = inName ?? (qualifierParameter === '' ? undefined : qualifierParameter);
  const place = { account: account ?? call.account, region: call.region, name };
  return qualifier === undefined ? { place } : { place, qualifier };
}

/** As `parseName`, for operations on the function as a whole. */
export function parsePlace(call: Call, text: string | undefined): Place {
  const { place, qualifier } = parseName(call, text);
  if (qualifier !== undefined && qualifier !== '$LATEST') {
    throw new AwsError(
      'InvalidParameterValueException',
      `${text} names a version or alias; this operation is on the function.`,
    );
  }
  return place;
}

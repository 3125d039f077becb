/** Errors of CloudWatch that several topics throw. */
import { AwsError } from '../../common/index.ts';

/** What PutMetricAlarm answers to a definition that breaks its rules; not in the model, as AWS has it. */
export function validationError(message: string): AwsError {
  return new AwsError('ValidationError', message);
}

export function notImplemented(what: string): AwsError {
  return validationError(`${what} is not implemented by Sluice.`);
}

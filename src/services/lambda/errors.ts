/** The service's commonest errors. */
import { AwsError } from '../../common/index.ts';

export function invalid(message: string, cause?: unknown): AwsError {
  return new AwsError('InvalidParameterValueException', message, cause === undefined ? {} : { cause });
}

/** For a parameter that would change behaviour and that Sluice does not have. */
export function refuse(parameter: string): AwsError {
  return invalid(`${parameter} is not implemented by Sluice`);
}

import { describe, expect, it } from 'vitest';
import { AwsError } from '../../common/index.ts';
import { errorOf } from './run.ts';

describe('what an action fails with', () => {
  const of = (code: string, statusCode?: number) =>
    errorOf(new AwsError(code, 'why', statusCode === undefined ? {} : { statusCode }))?.code;

  it('is nothing where it passes by itself', () => {
    for (const code of ['ThrottlingException', 'TooManyRequestsException', 'RequestLimitExceeded', 'SlowDown'])
      expect(of(code), code).toBeUndefined();
    for (const code of ['InternalFailure', 'InternalServerError', 'ServiceException', 'ServiceUnavailable'])
      expect(of(code), code).toBeUndefined();
    expect(of('DependencyTimeoutException', 500)).toBeUndefined();
    expect(errorOf(new Error('the connection broke'))).toBeUndefined();
  });

  it('is the refusal where a quota is used up: it lasts as long as the other work does', () => {
    for (const code of ['DeploymentLimitExceededException', 'AccountLimitExceededException', 'LimitExceededException'])
      expect(errorOf(new AwsError(code, 'why')), code).toEqual({ code: 'JobFailed', message: 'why' });
  });

  it('is the configuration, or the want of a permission', () => {
    expect(of('ResourceNotFoundException')).toBe('ConfigurationError');
    expect(of('NotImplemented', 501)).toBe('ConfigurationError');
    expect(of('AccessDeniedException', 403)).toBe('PermissionError');
  });
});

/** Page tokens of this service. */
import { AwsError } from '../../common/index.ts';
import { decodePage as decode, decodeToken as decodeAny, type Page } from '../pages.ts';

export { encodePage, encodeToken } from '../pages.ts';

export function decodePage(token: string | undefined): Page | undefined {
  return decode(token, invalid);
}

export function decodeToken(token: string): Record<string, unknown> {
  return decodeAny(token, invalid);
}

function invalid(): AwsError {
  return new AwsError('InvalidParameterException', 'The specified nextToken is invalid.');
}

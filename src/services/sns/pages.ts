/** Page tokens of this service. */
import { AwsError } from '../../common/index.ts';
import { decodePage as decode, type Page } from '../pages.ts';

export { encodePage } from '../pages.ts';

export function decodePage(token: string | undefined): Page | undefined {
  return decode(token, () => new AwsError('InvalidParameter', 'Invalid parameter: NextToken'));
}

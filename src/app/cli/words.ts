/** Spans and shares, as the commands write them. */
export { duration, percent } from '../../common/index.ts';

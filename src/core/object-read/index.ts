export { type Conditions, checkRead, etagMatches, parseRange, type RangeRequest } from './object-read.ts';

export { commonPrefixOf, keyBytesOrder, successor } from './key-listing.ts';

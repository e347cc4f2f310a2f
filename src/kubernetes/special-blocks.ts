/** The blocks that `internet` leaves out, for the supervisor and for the cluster alike. */

export { specialBlocks } from './special-blocks.generated.js';

/** Global addresses of IPv6; the others are special. */
export const globalBlock = '2000::/3';

/** IPv4 written as IPv6, which a gateway unwraps. RFC 6052 */
export const gatewayPrefix = '64:ff9b::';

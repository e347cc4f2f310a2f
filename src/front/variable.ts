/**
 * Stage: front. The environment variable in which the native front end says that it was started, and for `wasbox run`
 * the facts that it gathered, in hexadecimal (addon/front/node.c). For this process alone.
 */
export const frontVariable = 'WASBOX_FRONT';

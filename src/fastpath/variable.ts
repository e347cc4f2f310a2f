/**
 * The environment variable in which the native command says that it was started, and for `wasbox run`
 * the cache key, in hexadecimal (addon/fastpath/node.c). For this process alone.
 */
export const fastpathVariable = 'WASBOX_FASTPATH';

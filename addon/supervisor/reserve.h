/* Descriptors of this program that a payload may have it open, and those that are kept from it. */
#ifndef WASBOX_RESERVE_H
#define WASBOX_RESERVE_H

#ifdef __cplusplus
extern "C" {
#endif

/* Returns whether a descriptor is one of the last that this program may have. What was opened for
 * the payload, and would stay open, is then closed again: a run is held to its limits by files of
 * /proc, which could not be opened any more. */
int wb_reserve_reached(int file);

#ifdef __cplusplus
}
#endif
#endif

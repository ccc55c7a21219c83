// Package drm shows frames through the kernel's mode setting (KMS): two dumb
// buffers of the whole screen that change places at a refresh, so that nothing
// tears.
//
// It chooses connector and mode, draws inside the board's window only, waits for
// a change of places to be done before it draws again, and can say that what it
// drew is scanned out to a connector with a screen on it. It never scales, never
// uses an accelerator, and gives the screen back as it found it.
//
// The requests are those of linux/drm.h and linux/drm_mode.h.
package drm

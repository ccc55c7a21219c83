//go:build !linux

package key

// nonBlock: input devices are Linux's.
const nonBlock = 0

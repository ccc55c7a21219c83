//go:build linux

package health

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Free returns the bytes that the device may still write where dir is.
func Free(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return s.Bavail * uint64(s.Bsize), nil
}

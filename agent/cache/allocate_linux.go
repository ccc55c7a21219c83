package cache

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// allocate reserves a file's bytes, so that a full disk shows at once, where the
// file system can do so.
func allocate(f *os.File, size int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return f.Truncate(size)
	}
	return err
}

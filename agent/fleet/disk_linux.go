package fleet

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// diskSize is how large a pretended device's disk is, in bytes. Only what is used
// takes memory.
const diskSize = 96 << 20

// disk is a small file system of one device's own, which can be full.
type disk struct{ dir string }

// newDisk mounts a disk at dir. It takes a mount namespace in which this process may
// mount.
func newDisk(dir string) (*disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("disk: %w", err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("mode=0700,size=%d", diskSize)); err != nil {
		return nil, fmt.Errorf("disk: mount: %w", err)
	}
	return &disk{dir}, nil
}

// fill makes the disk as small as what is on it: nothing more can be stored.
func (d *disk) fill() error {
	for range 8 { // what is written meanwhile makes it too small to be had
		var s unix.Statfs_t
		if err := unix.Statfs(d.dir, &s); err != nil {
			return fmt.Errorf("disk: %w", err)
		}
		err := d.resize((s.Blocks - s.Bfree) * uint64(s.Bsize))
		if !errors.Is(err, unix.EINVAL) {
			return err
		}
	}
	return fmt.Errorf("disk: never at rest: %w", unix.EBUSY)
}

// free gives the room back.
func (d *disk) free() error { return d.resize(diskSize) }

func (d *disk) resize(size uint64) error {
	if err := unix.Mount("tmpfs", d.dir, "tmpfs", unix.MS_REMOUNT|unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("size=%d", size)); err != nil {
		return fmt.Errorf("disk: resize: %w", err)
	}
	return nil
}

func (d *disk) close() error {
	if err := unix.Unmount(d.dir, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("disk: %w", err)
	}
	return nil
}

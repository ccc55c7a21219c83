package fleet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// diskSize is how large a pretended device's disk is, in bytes. Only what is used
// takes memory.
const diskSize = 96 << 20

// OwnDisk moves what a device has to a small disk of its own, which can be full, and
// returns the device as it is then, and what unmounts the disk. It takes a mount
// namespace in which this process may mount.
func OwnDisk(d Device) (Device, func() error, error) {
	dir := d.Data + ".disk"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return d, nil, fmt.Errorf("disk: %w", err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("mode=0700,size=%d", diskSize)); err != nil {
		return d, nil, fmt.Errorf("disk: mount: %w", err)
	}
	unmount := func() error {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("disk: %w", err)
		}
		return nil
	}
	data := filepath.Join(dir, "data")
	if err := os.CopyFS(data, os.DirFS(d.Data)); err != nil {
		return d, nil, errors.Join(fmt.Errorf("disk: %w", err), unmount())
	}
	d.Data, d.Disk = data, dir
	return d, unmount, nil
}

// disk is a device's own.
type disk string

// fill makes the disk as small as what is on it: nothing more can be stored.
func (d disk) fill() error {
	for range 8 { // what is written meanwhile makes it too small to be had
		var s unix.Statfs_t
		if err := unix.Statfs(string(d), &s); err != nil {
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
func (d disk) free() error { return d.resize(diskSize) }

func (d disk) resize(size uint64) error {
	if err := unix.Mount("tmpfs", string(d), "tmpfs", unix.MS_REMOUNT|unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("size=%d", size)); err != nil {
		return fmt.Errorf("disk: resize: %w", err)
	}
	return nil
}

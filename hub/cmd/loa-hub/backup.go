package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/backup"
	"github.com/loa-vn/loa/hub/config"
)

type backupCmd struct {
	Dest           string   `arg:"" help:"Folder of backups; blobs that it has are not written again." type:"path"`
	Recipient      []string `help:"Encrypt for this public key (age1...); may be repeated. The hub can't read the backup then."`
	PassphraseFile string   `help:"Encrypt with the passphrase in the first line of this file; - is standard input." env:"LOA_BACKUP_PASSPHRASE_FILE"`
	Unencrypted    bool     `help:"Leave everything readable, the hub's own keys too."`
}

// Run implements the command; the hub may be running.
func (c backupCmd) Run(s *session) error {
	return s.with(func(b *hub.Base) error {
		o := backup.Options{Folders: folders(b.Config), Dest: c.Dest, Snapshot: b.DB.Snapshot, Now: time.Now()}
		var err error
		switch {
		case len(c.Recipient) > 0 && c.PassphraseFile != "":
			return fmt.Errorf("%w: --recipient or --passphrase-file, not both", errRefused)
		case len(c.Recipient) == 0 && c.PassphraseFile == "" && !c.Unencrypted:
			return fmt.Errorf("%w: a backup holds the hub's keys: encrypt it with --recipient or --passphrase-file, or say --unencrypted", errRefused)
		case len(c.Recipient) > 0:
			if o.Lock, err = backup.ForRecipients(c.Recipient); err != nil {
				return fmt.Errorf("%w: %w", errRefused, err)
			}
		case c.PassphraseFile != "":
			passphrase, err := s.secret(c.PassphraseFile, "Mật khẩu sao lưu / backup passphrase", "--passphrase-file")
			if err != nil {
				return err
			}
			if o.Lock, err = backup.ForPassphrase(c.Dest, passphrase); err != nil {
				return locked(err)
			}
		}
		r, err := backup.Write(s.ctx, o)
		if err != nil {
			return err
		}
		s.printf("Đã sao lưu / backed up: %s (%d blobs, %d new, %.1f MB)\n", r.Archive, r.Blobs, r.NewBlobs, float64(r.NewBytes)/1e6)
		return nil
	})
}

type restoreCmd struct {
	Source         string `arg:"" help:"Folder of backups, for the newest, or one of its .tar files." type:"path"`
	Identity       string `help:"File with the private key of an encrypted backup." type:"existingfile"`
	PassphraseFile string `help:"File with the backup's passphrase in its first line; - is standard input." env:"LOA_BACKUP_PASSPHRASE_FILE"`
}

// Run implements the command; the data folder must hold no hub.
func (c restoreCmd) Run(s *session) error {
	cfg, err := s.load()
	if err != nil {
		return err
	}
	var key backup.Key
	if c.Identity != "" {
		b, err := os.ReadFile(c.Identity)
		if err != nil {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		key.Identities = string(b)
	}
	if c.PassphraseFile != "" {
		if key.Passphrase, err = s.secret(c.PassphraseFile, "Mật khẩu sao lưu / backup passphrase", "--passphrase-file"); err != nil {
			return err
		}
	}
	if _, err := os.Stat(c.Source); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	r, err := backup.Restore(s.ctx, c.Source, key, folders(cfg))
	if err != nil {
		return locked(err)
	}
	// The act goes into the book that came back, which ends where the backup was made.
	if err := s.with(func(b *hub.Base) error {
		return errors.Join(b.DB.Audit().Record(s.ctx, audit.Restoring(filepath.Base(r.Archive), r.At, systemAccount())),
			b.Checkpoint(s.ctx))
	}); err != nil {
		return err
	}
	s.printf("Đã khôi phục / restored: %s, as of %s (%d blobs)\n", r.Archive, r.At.Local().Format(time.DateTime), r.Blobs)
	s.printf("Khi chạy lại, trung tâm hỏi thiết bị còn giữ gì và đánh số tiếp từ đó. / When it runs, the hub asks devices what they hold and numbers on from there.\n")
	return nil
}

// systemAccount is who types, as the system knows them.
func systemAccount() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}

// locked says what to do about a backup that does not open.
func locked(err error) error {
	if errors.Is(err, backup.ErrLocked) {
		return fmt.Errorf("%w: the backup is encrypted; name the right --identity or --passphrase-file (%s)", errRefused, strings.TrimSpace(err.Error()))
	}
	return err
}

func folders(c config.Config) backup.Folders {
	return backup.Folders{Data: c.Data, Database: c.Database(), Keys: c.KeyDir(), CA: c.CADir(), Blobs: c.BlobDir()}
}

package store_test

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/store"
	"github.com/loa-vn/loa/protocol"
	"golang.org/x/sys/unix"
)

// childDir names the folder of the child that is to be killed.
const childDir = "LOA_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
	}
	os.Exit(m.Run())
}

// child commits receipts until it is killed and says each that was confirmed.
func child(dir string) {
	cfg := config(dir)
	cfg.Log = slog.New(slog.DiscardHandler)
	s, err := store.Open(cfg)
	if err != nil {
		fmt.Println("open", err)
		os.Exit(1)
	}
	head, err := s.Head()
	if err != nil {
		fmt.Println("head", err)
		os.Exit(1)
	}
	for n := int(head.Seq); ; n++ {
		err := s.Commit(store.Batch{
			At: protocol.Instant(n), Receipts: []protocol.Receipt{receipt(n)},
			Put: []store.Occurrence{{Medium: protocol.MediumSound, Airing: receipt(n).Airing, Start: 1, Data: make([]byte, n%2000)}},
		})
		if err != nil {
			fmt.Println("commit", err)
			os.Exit(1)
		}
		fmt.Println("confirmed", n)
	}
}

// TestAKillLosesNoConfirmedReceipt kills a committing process at random moments;
// after each the chain follows on, and every receipt whose Commit had returned
// is there with its record.
func TestAKillLosesNoConfirmedReceipt(t *testing.T) {
	dir := t.TempDir()
	confirmed := 0
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		target := confirmed + 1 + rand.IntN(60)
		kill := func() { _ = cmd.Process.Kill() }
		for lines.Scan() {
			var n int
			if _, err := fmt.Sscanf(lines.Text(), "confirmed %d", &n); err != nil {
				t.Fatalf("child says %q", lines.Text())
			}
			confirmed = n
			if n == target {
				time.AfterFunc(time.Duration(rand.IntN(3000))*time.Microsecond, kill)
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("child ended by itself")
		}
		s, err := store.Open(config(dir))
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		entries := chain(t, s)
		if len(entries) < confirmed+1 {
			t.Errorf("round %d: confirmed %d, in the chain %d", round, confirmed, len(entries)-1)
		}
		occurrences, err := s.Occurrences()
		if err != nil || len(occurrences) != len(entries)-1 {
			t.Errorf("round %d: %d records for %d receipts: %v", round, len(occurrences), len(entries)-1, err)
		}
		for i, e := range entries[1:] {
			if e.Receipt == nil || e.Receipt.Airing != receipt(i+1).Airing {
				t.Fatalf("round %d: entry %d is %+v", round, i+1, e)
			}
		}
		if err := errors.Join(s.Check(), s.Close()); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	}
	t.Logf("%d receipts over %d kills", confirmed, rounds)
}

// TestAFullDiskLeavesNothingHalfWritten bounds the file's size, so that writes
// fail as on a full disk, and then gives the room back.
func TestAFullDiskLeavesNothingHalfWritten(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	cfg := config(t.TempDir())
	s := open(t, cfg)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(cfg.Path)
	if err != nil {
		t.Fatal(err)
	}
	limit := before
	limit.Cur = uint64(info.Size())
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	written := 0
	var full error
	for n := 1; n < 5000 && full == nil; n++ {
		full = s.Commit(store.Batch{
			Receipts: []protocol.Receipt{receipt(n)},
			Put:      []store.Occurrence{{Medium: protocol.MediumSound, Airing: receipt(n).Airing, Data: make([]byte, 2000)}},
		})
		if full == nil {
			written = n
		}
	}
	entries := len(chain(t, s))
	occurrences, occErr := s.Occurrences()
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if full == nil || !errors.Is(full, syscall.EFBIG) && !strings.Contains(full.Error(), "file too large") {
		t.Fatalf("the disk never became full: %v", full)
	}
	if entries != written+1 || len(occurrences) != written || occErr != nil {
		t.Errorf("%d receipts and %d records after %d commits: %v", entries-1, len(occurrences), written, occErr)
	}
	if err := s.Commit(store.Batch{Receipts: []protocol.Receipt{receipt(0)}}); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if got := len(chain(t, s)); got != written+2 {
		t.Errorf("chain of %d", got)
	}
	if matches, err := filepath.Glob(cfg.Path + ".damaged"); len(matches) != 0 || err != nil {
		t.Errorf("%v %v", matches, err)
	}
}

package tracer_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/e2e/tracer"
)

// childEnv names the folder in which the test's own binary writes.
const childEnv = "LOA_TRACER_TEST_CHILD"

func TestMain(m *testing.M) {
	tracer.Main()
	if dir := os.Getenv(childEnv); dir != "" {
		if err := write(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// write writes and makes durable, then writes twice more.
func write(dir string) error {
	f, err := os.Create(filepath.Join(dir, "file"))
	if err != nil {
		return err
	}
	if err := errors.Join(durably(f), exec.Command("sh", "-c", "echo child > "+filepath.Join(dir, "child")).Run()); err != nil {
		return err
	}
	if err := loosely(f); err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			return os.WriteFile(filepath.Join(dir, "said"), nil, 0o600)
		}
		return err
	}
	return lastly(f)
}

//go:noinline
func durably(f *os.File) error {
	_, err := f.WriteAt([]byte("durable-"), 0)
	return errors.Join(err, f.Sync())
}

//go:noinline
func loosely(f *os.File) error {
	_, err := f.WriteAt([]byte("loose-"), 8)
	return err
}

//go:noinline
func lastly(f *os.File) error {
	_, err := f.WriteAt([]byte("lastly"), 14)
	return err
}

// run runs the child and returns what is in its folder.
func run(t *testing.T, decide func(tracer.Point) tracer.Fate) (map[string]string, *tracer.Process) {
	t.Helper()
	dir := t.TempDir()
	program, err := tracer.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p, err := tracer.Start(tracer.Config{Program: program, Env: []string{childEnv + "=" + dir}, Output: out, Undo: func(path string) bool { return strings.HasPrefix(path, dir) }, Decide: func(pt tracer.Point) tracer.Fate {
		if !strings.HasPrefix(pt.Path, dir) {
			return tracer.Pass
		}
		return decide(pt)
	}})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if err := p.Err(); err != nil {
		b, _ := os.ReadFile(out.Name())
		t.Fatalf("%v: %s", err, b)
	}
	got := map[string]string{}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[f.Name()] = string(b)
	}
	return got, p
}

// in says whether a call is made in a function of this test.
func in(pt tracer.Point, function string) bool {
	for _, f := range pt.Stack {
		if strings.HasSuffix(f, "tracer_test."+function) {
			return true
		}
	}
	return false
}

func TestEachCallIsNamedByItsPlace(t *testing.T) {
	t.Parallel()
	var seen []string
	got, _ := run(t, func(pt tracer.Point) tracer.Fate {
		for _, f := range []string{"durably", "loosely", "lastly"} {
			if in(pt, f) {
				seen = append(seen, fmt.Sprintf("%s %d in %s", pt.Call, pt.Size, f))
			}
		}
		return tracer.Pass
	})
	want := []string{"pwrite64 8 in durably", "fsync -1 in durably", "pwrite64 6 in loosely", "pwrite64 6 in lastly"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"file": "durable-loose-lastly", "child": "child\n"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFatesDoWhatTheySay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fate  tracer.Fate
		at    string
		fated bool
		file  string
	}{
		"kill before the file's first byte": {tracer.Kill, "durably", true, ""},
		"kill before the last write":        {tracer.Kill, "lastly", true, "durable-loose-"},
		"torn":                              {tracer.Torn, "lastly", true, "durable-loose-las"},
		"power cut":                         {tracer.Cut, "loosely", true, "durable-loo"},
		"power cut takes back":              {tracer.Cut, "lastly", true, "durable-"},
		"full disk":                         {tracer.Refuse, "loosely", false, "durable-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, p := run(t, func(pt tracer.Point) tracer.Fate {
				if in(pt, tc.at) {
					return tc.fate
				}
				return tracer.Pass
			})
			if got["file"] != tc.file || p.Fated() != tc.fated {
				t.Errorf("file %q, ended by fate %v", got["file"], p.Fated())
			}
			if _, said := got["said"]; said != (tc.fate == tracer.Refuse) {
				t.Error("the program was not told of the full disk")
			}
		})
	}
}

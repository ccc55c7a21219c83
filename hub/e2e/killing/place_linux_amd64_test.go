package killing

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/loa-vn/loa/hub/e2e/tracer"
)

// place is where a program writes or sends: a call of the system, a kind of file, and
// the functions that lead there.
type place struct {
	program, call, file, by string
	splits                  bool
}

func (p place) String() string {
	return fmt.Sprintf("%s: %s %s by %s", p.program, p.call, p.file, p.by)
}

// onDisk says whether a full disk refuses it. The sound's file is a card, not a disk.
func (p place) onDisk() bool { return strings.Contains(p.file, "/") }

// What is different in each run.
var (
	digests = regexp.MustCompile(`[0-9a-f]{64}`)
	folders = regexp.MustCompile(`/[0-9a-f]{2}(/|$)`)
	numbers = regexp.MustCompile(`[0-9]{4,}|[a-z0-9]{26}`)
)

// placeOf names a call; false for what is neither data nor message.
func (r *run) placeOf(program string, pt tracer.Point) (place, bool) {
	p := place{program: program, call: pt.Call, splits: pt.Splits()}
	rel, err := filepath.Rel(r.dir, pt.Path)
	switch {
	case pt.Descriptor == 1 || pt.Descriptor == 2:
		return p, false // the log
	case pt.Socket():
		p.file = "socket"
	case strings.HasPrefix(pt.Path, "pipe:"):
		p.file = "pipe"
	case err != nil || strings.HasPrefix(rel, "..") || !filepath.IsAbs(pt.Path):
		return p, false
	case strings.HasPrefix(rel, filepath.Join("loa", "out")):
		p.file, p.splits = "card", false
	case strings.HasPrefix(rel, "tmp/"):
		name, _, _ := strings.Cut(strings.TrimPrefix(rel, "tmp/"), "/")
		p.file = "tmp/" + numbers.ReplaceAllString(name, "*")
	default:
		p.file = digests.ReplaceAllString(rel, "*")
		p.file = folders.ReplaceAllString(p.file, "/*$1")
		p.file = strings.TrimSuffix(numbers.ReplaceAllString(p.file, "*"), " (deleted)")
	}
	if p.by = by(pt.Stack); p.file == "socket" {
		p.by += " while " + r.act.Load().(string)
	}
	return p, true
}

// What the compiler adds to names: functions within functions, types of generic ones.
var (
	closures = regexp.MustCompile(`(\.(func|gowrap|deferwrap)?[0-9]+)+$|\.func[0-9]+(\.[0-9]+)*|-fm$|-range[0-9]+`)
	generic  = regexp.MustCompile(`\[.*\]`)
)

// plumbing are packages that only pass on what others decide to write.
var plumbing = []string{
	"runtime", "internal/", "syscall", "os.", "os/exec", "io.", "bufio", "net.", "net/http.", "crypto/", "database/sql", "golang.org/x/", "vendor/", "reflect",
	"context", "sync", "modernc.org/libc", "log/slog", "fmt.", "encoding/", "strings.", "bytes.", "github.com/danielgtaylor", "github.com/gin-gonic", "github.com/alecthomas", "main.main", "log.",
}

// low are SQLite's functions that write for all others of it.
var low = regexp.MustCompile(`^modernc.org/sqlite(/lib)?\.(_unix|_seek|_sqlite3Os|_full_|_robust|_posix|_Xsqlite|_sqlite3_step|_sqlite3Step|_sqlite3Vdbe|_vdbe|\(\*|_sqlite3Btree|_sqlite3Pager|_pager|newStmt)`)

// by is who writes: the library's function that does it, and Loa's functions that lead
// there, innermost first; without any of Loa's, another library's, or where the
// goroutine began.
func by(stack []string) string {
	var own, libraries []string
	root := "?"
	for _, f := range stack {
		f = generic.ReplaceAllString(f, "")
		f = closures.ReplaceAllString(f, "")
		if f != "runtime.goexit" && f != "runtime.main" {
			root = f
		}
		if short, ok := strings.CutPrefix(f, "github.com/loa-vn/loa/"); ok {
			if !slices.Contains(own, short) && len(own) < 5 {
				own = append(own, short)
			}
			continue
		}
		if low.MatchString(f) || slices.ContainsFunc(plumbing, func(p string) bool { return strings.HasPrefix(f, p) }) {
			continue
		}
		// One function a library.
		module := f[:strings.LastIndexByte(f, '/')+1]
		if len(own) == 0 && !slices.ContainsFunc(libraries, func(l string) bool { return strings.HasPrefix(l, module) }) {
			libraries = append(libraries, f)
		}
	}
	switch {
	case len(own) > 0:
		libraries = libraries[:min(1, len(libraries))]
	case len(libraries) == 0:
		libraries = []string{root}
	default:
		libraries = libraries[:min(2, len(libraries))]
	}
	for i, l := range libraries {
		libraries[i] = strings.TrimPrefix(l[strings.LastIndexByte(l, '/')+1:], "sqlite3.")
	}
	return strings.Join(append(libraries, own...), " < ")
}

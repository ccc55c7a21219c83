package tracer

import (
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// Program is a Go program whose functions are known.
type Program struct {
	path  string
	table *gosym.Table

	mu    sync.Mutex
	names map[uint64]string // by return address
}

// Open reads a program's own table of functions. A program with C in it must not be
// stripped.
func Open(path string) (*Program, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open program: %w", err)
	}
	defer f.Close()
	lines, text := f.Section(".gopclntab"), f.Section(".text")
	if lines == nil || text == nil {
		return nil, errors.New("open program: no Go program")
	}
	b, err := lines.Data()
	if err != nil {
		return nil, fmt.Errorf("open program: %w", err)
	}
	// With C linked in, Go's own code does not begin where the section does.
	begin := text.Addr
	symbols, err := f.Symbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, fmt.Errorf("open program: %w", err)
	}
	for _, s := range symbols {
		if s.Name == "runtime.text" {
			begin = s.Value
		}
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(b, begin))
	if err != nil {
		return nil, fmt.Errorf("open program: %w", err)
	}
	return &Program{path: path, table: table, names: map[uint64]string{}}, nil
}

func (p *Program) name(pc uint64) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	name, ok := p.names[pc]
	if !ok {
		if f := p.table.PCToFunc(pc - 1); f != nil {
			name = f.Name
		}
		p.names[pc] = name
	}
	return name
}

const (
	deepest = 96       // frames
	window  = 64 << 10 // bytes of the stack that are read
)

// stack walks the frame pointers of a stopped thread.
func (p *Program) stack(tid int, regs *unix.PtraceRegs) []string {
	buf := make([]byte, window)
	n := read(tid, regs.Rsp, buf)
	word := func(at uint64) (uint64, bool) {
		off := at - regs.Rsp
		if at < regs.Rsp || off+8 > uint64(n) {
			return 0, false
		}
		return binary.LittleEndian.Uint64(buf[off:]), true
	}
	var names []string
	for bp := regs.Rbp; len(names) < deepest; {
		pc, ok := word(bp + 8)
		next, ok2 := word(bp)
		if !ok || !ok2 {
			break
		}
		if name := p.name(pc); name != "" {
			names = append(names, name)
		}
		if next <= bp {
			break
		}
		bp = next
	}
	return names
}

// read copies memory of a thread's process and returns how much there was.
func read(tid int, at uint64, buf []byte) int {
	total := 0
	for total < len(buf) {
		// By pages: what lies behind the end of a mapping ends it.
		step := min(len(buf)-total, int(4096-(at+uint64(total))%4096))
		local := []unix.Iovec{{Base: &buf[total]}}
		local[0].SetLen(step)
		n, err := unix.ProcessVMReadv(tid, local, []unix.RemoteIovec{{Base: uintptr(at) + uintptr(total), Len: step}}, 0)
		if err != nil || n <= 0 {
			break
		}
		total += n
	}
	return total
}

// text reads a string that ends with a zero.
func text(tid int, at uint64) string {
	buf := make([]byte, 4096)
	n := read(tid, at, buf)
	for i, b := range buf[:n] {
		if b == 0 {
			return string(buf[:i])
		}
	}
	return string(buf[:n])
}

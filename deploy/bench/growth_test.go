package main

import "testing"

// TestNamesOfBoardsAreTold: only code is counted.
func TestNamesOfBoardsAreTold(t *testing.T) {
	mine, all := shares([]byte("  4a0 100 T github.com/loa-vn/loa/agent/display/fb.New\n" +
		"  5a0 20 t github.com/loa-vn/loa/protocol/page.init.0\n" +
		"  6a0 4000 D github.com/loa-vn/loa/protocol/page.cache\n" +
		"  7a0 300 T github.com/loa-vn/loa/agent/player.New\n" +
		"         U getenv\n"))
	if mine != 120 || all != 420 {
		t.Errorf("%g of %g bytes", mine, all)
	}
}

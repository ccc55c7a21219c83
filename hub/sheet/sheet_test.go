package sheet_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/sheet"
)

func TestAWorkbookComesBackAsItWasWritten(t *testing.T) {
	var b bytes.Buffer
	err := sheet.Write(&b, sheet.Table{
		Name: "Theo thôn", Columns: []string{"Thôn", "Người"}, Widths: []float64{30, 10},
		Rows: [][]any{{"Thôn Đông", 820}, {`=HYPERLINK("http://x")`, 1}, {"Thôn Đoài", ""}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !sheet.IsWorkbook(b.Bytes()) {
		t.Error("its own workbook is not known as one")
	}
	got, err := sheet.CSV(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := "Thôn,Người\nThôn Đông,820\n\"=HYPERLINK(\"\"http://x\"\")\",1\nThôn Đoài,\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWhatIsNoWorkbookIsRefused(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("PK\x03\x04 but no more"), []byte("id,name\n")} {
		if _, err := sheet.CSV(b); !errors.Is(err, problem.ErrInvalid) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

func FuzzCSV(f *testing.F) {
	var b bytes.Buffer
	if err := sheet.Write(&b, sheet.Table{Name: "A", Columns: []string{"x"}, Rows: [][]any{{1}}}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = sheet.CSV(b) // no panic, no endless loop
	})
}

// SPDX-License-Identifier: MIT
// The memory delivers only what it was asked for; a transfer begins only when none is active (twobit_dma_registers).
reg [6:0] accepted; // beats of the bursts that the memory has taken
reg [31:0] araddr_before;
reg [3:0] arlen_before;
reg [5:0] got_before;
reg waits, out_waits, last_before, started;

wire [6:0] offered = m_arvalid ? {3'd0, m_arlen} + 7'd1 : 7'd0;
wire [11:0] first = m_araddr[11:0];
wire [11:0] last = first + {5'd0, m_arlen, 3'd7};

initial started = 0;
always @(posedge clock) begin
	started <= 1;
	assume (started || reset);
	assume (!m_rvalid || accepted != 0);
	assume (!start || (!active && !failed && quiet && held == 0 && beats != 0));
	assume (!reset || quiet || !started);
	accepted <= reset ? 7'd0 : accepted + (m_arvalid && m_arready ? offered : 7'd0) - {6'd0, takes};
	waits <= m_arvalid && !m_arready && !reset;
	araddr_before <= m_araddr;
	arlen_before <= m_arlen;
	out_waits <= out_valid && !out_ready && !reset;
	last_before <= out_last;
	got_before <= got;
	if (started && !reset) begin
		// The rules of the port: what waits stays; never over 4 KB, never out of 128 bytes.
		assert (!waits || (m_arvalid && m_araddr == araddr_before && m_arlen == arlen_before));
		assert (!m_arvalid || (first[11:7] == last[11:7] && m_araddr[2:0] == 0));
		assert (!out_waits || (out_valid && out_last == last_before && got == got_before));
		// The FIFO has room for all that comes.
		assert (!keeps || held < 7'd64);
		// What the proof needs to know.
		assert (accepted <= 7'd64 && owed <= 7'd64 && held <= 7'd64 && {1'b0, held} + {1'b0, owed} <= 8'd64);
		assert (owed == accepted + offered);
		assert (!sized || (active || draining || failed));
		assert (!sized || (burst != 0 && burst <= 5'd16 - {1'b0, at[3:0]} && {18'd0, burst} <= to_ask));
		assert (active || failed || to_ask == 0);
		assert (active || failed || (held == 0 && owed == 0));
	end
end

// SPDX-License-Identifier: MIT
// The PS keeps to AXI3: what waits stays, bursts are of at most 4 bytes a beat. The other side keeps to AXI4-Lite: it
// answers what it was asked, once.
reg [4:0] read_owed, write_owed; // beats of the burst under way that are still to come
reg [2:0] read_asked, address_asked, data_asked; // of the other side, not answered
reg started, gives_waits, answer_waits, ask_waits, address_waits, data_wait;
reg [31:0] before_rdata, before_wdata;
reg [15:0] before_araddr, before_awaddr;
reg [11:0] before_rid, before_bid;
reg [11:0] read_id, write_id;
reg owes_answer;

initial started = 0;
always @(posedge clock) begin
	started <= 1;
	assume (started || reset);
	assume (!m_rvalid || read_asked != 0);
	assume (!m_bvalid || (address_asked != 0 && data_asked != 0));
	if (reset) begin
		read_owed <= 0;
		write_owed <= 0;
		read_asked <= 0;
		address_asked <= 0;
		data_asked <= 0;
		owes_answer <= 0;
	end else begin
		if (s_arvalid && s_arready) begin
			read_owed <= {1'b0, s_arlen} + 5'd1;
			read_id <= s_arid;
		end
		if (s_rvalid && s_rready)
			read_owed <= read_owed - 5'd1;
		if (s_awvalid && s_awready) begin
			write_owed <= {1'b0, s_awlen} + 5'd1;
			write_id <= s_awid;
			owes_answer <= 1;
		end
		if (s_wvalid && s_wready)
			write_owed <= write_owed - 5'd1;
		if (s_bvalid && s_bready)
			owes_answer <= 0;
		read_asked <= read_asked + {2'd0, m_arvalid && m_arready} - {2'd0, m_rvalid && m_rready};
		address_asked <= address_asked + {2'd0, m_awvalid && m_awready} - {2'd0, m_bvalid && m_bready};
		data_asked <= data_asked + {2'd0, m_wvalid && m_wready} - {2'd0, m_bvalid && m_bready};
	end
	gives_waits <= s_rvalid && !s_rready && !reset;
	answer_waits <= s_bvalid && !s_bready && !reset;
	ask_waits <= m_arvalid && !m_arready && !reset;
	address_waits <= m_awvalid && !m_awready && !reset;
	data_wait <= m_wvalid && !m_wready && !reset;
	before_rdata <= s_rdata;
	before_wdata <= m_wdata;
	before_araddr <= m_araddr;
	before_awaddr <= m_awaddr;
	before_rid <= s_rid;
	before_bid <= s_bid;
	if (started && !reset) begin
		// To the PS: as many beats as asked for, the last one marked, one response a write, the right ids.
		assert (!s_rvalid || (read_owed != 0 && s_rlast == (read_owed == 1) && s_rid == read_id));
		assert (!s_bvalid || (write_owed == 0 && owes_answer && s_bid == write_id));
		assert (!s_arready || read_owed == 0);
		assert (!s_awready || !owes_answer);
		assert (!s_wready || write_owed != 0);
		assert (!gives_waits || (s_rvalid && s_rdata == before_rdata && s_rid == before_rid));
		assert (!answer_waits || (s_bvalid && s_bid == before_bid));
		// To the other side: one access at a time, and what waits stays.
		assert (read_asked <= 1 && address_asked <= 1 && data_asked <= 1);
		assert (!ask_waits || (m_arvalid && m_araddr == before_araddr));
		assert (!address_waits || (m_awvalid && m_awaddr == before_awaddr));
		assert (!data_wait || (m_wvalid && m_wdata == before_wdata));
		// What the proof needs to know.
		assert ((read_state == FREE) == (read_owed == 0));
		assert (read_owed == 0 || read_owed == {1'b0, read_left} + 5'd1);
		assert (read_asked == (read_state == WAIT));
		assert (owes_answer == (write_state != FREE));
		assert (write_state == ASK || write_state == WAIT || write_owed == 0);
		assert (write_state != ASK || write_owed == {1'b0, write_left} + 5'd1);
		assert (write_state != WAIT || write_owed == {1'b0, write_left});
		assert (address_asked == (write_state == WAIT && !m_awvalid));
		assert (data_asked == (write_state == WAIT && !m_wvalid));
		assert (write_state == WAIT || (!m_awvalid && !m_wvalid));
		assert (read_owed == 0 || s_rid == read_id);
		assert (!owes_answer || s_bid == write_id);
	end
end

-- From program/009_whatsapp.sql

-- The templates that are to be approved at WhatsApp, what messages cost in US dollars, and where numbers are from. The rates
-- are some to begin with: put in those of your account from the day on which they hold. * is for countries without one.
-- rows of private.whatsapp_templates by name, language: category, parameters, body, is_for_people
-- rows of private.whatsapp_rates by country, category, valid_from: price
-- rows of private.calling_codes by prefix: country
insert into private.whatsapp_templates (name, language, category, parameters, body, is_for_people) values
    (
        'verification_code', 'en', 'authentication', '{code}',
        '{{code}} is your verification code. For your security, do not share this code.', false
    ),
    -- Texts end as people end them, so STOP stands apart from them.
    (
        'trip_reminder', 'en', 'utility', '{trip,text}',
        E'Your reminder for “{{trip}}”: {{text}}\n\nReply STOP to end messages.', false
    ),
    ('trip_update', 'en', 'utility', '{trip,text}', E'News of “{{trip}}”: {{text}}\n\nReply STOP to end messages.', false),
    (
        'trip_message', 'en', 'utility', '{sender,trip,text}',
        E'A message from {{sender}} about “{{trip}}”: {{text}}\n\nReply STOP to end messages.', true
    ),
    (
        'trip_ideas', 'en', 'marketing', '{text}',
        E'An idea for your next trip: {{text}}\n\nReply STOP to end messages.', false
    )
on conflict (name, language) do update set
    category = excluded.category, parameters = excluded.parameters, body = excluded.body,
    is_for_people = excluded.is_for_people;

insert into private.whatsapp_rates (country, category, valid_from, price)
select rates.country, prices.category, '2025-07-01', prices.price
from (values
    ('IT', 0.0691, 0.0300, 0.0300),
    ('DE', 0.1365, 0.0550, 0.0550),
    ('FR', 0.0859, 0.0300, 0.0300),
    ('ES', 0.0615, 0.0200, 0.0200),
    ('GB', 0.0529, 0.0220, 0.0220),
    ('NL', 0.1597, 0.0500, 0.0500),
    ('US', 0.0250, 0.0040, 0.0040),
    ('CA', 0.0250, 0.0040, 0.0040),
    ('BR', 0.0625, 0.0068, 0.0068),
    ('MX', 0.0305, 0.0085, 0.0085),
    ('IN', 0.0118, 0.0014, 0.0014),
    ('ID', 0.0411, 0.0250, 0.0250),
    ('*', 0.1597, 0.0550, 0.0550)
) as rates (country, marketing, utility, authentication)
cross join lateral (values
    ('marketing', rates.marketing), ('utility', rates.utility), ('authentication', rates.authentication)
) as prices (category, price)
on conflict (country, category, valid_from) do update set price = excluded.price;

insert into private.calling_codes (prefix, country) values
    ('1', 'US'), ('1204', 'CA'), ('1226', 'CA'), ('1236', 'CA'), ('1249', 'CA'), ('1250', 'CA'), ('1289', 'CA'),
    ('1306', 'CA'), ('1343', 'CA'), ('1365', 'CA'), ('1403', 'CA'), ('1416', 'CA'), ('1418', 'CA'), ('1431', 'CA'),
    ('1437', 'CA'), ('1438', 'CA'), ('1450', 'CA'), ('1506', 'CA'), ('1514', 'CA'), ('1519', 'CA'), ('1548', 'CA'),
    ('1579', 'CA'), ('1581', 'CA'), ('1587', 'CA'), ('1604', 'CA'), ('1613', 'CA'), ('1639', 'CA'), ('1647', 'CA'),
    ('1705', 'CA'), ('1709', 'CA'), ('1778', 'CA'), ('1780', 'CA'), ('1782', 'CA'), ('1807', 'CA'), ('1819', 'CA'),
    ('1825', 'CA'), ('1867', 'CA'), ('1873', 'CA'), ('1902', 'CA'), ('1905', 'CA'), ('7', 'RU'), ('76', 'KZ'),
    ('77', 'KZ'), ('20', 'EG'), ('27', 'ZA'), ('30', 'GR'), ('31', 'NL'), ('32', 'BE'), ('33', 'FR'),
    ('34', 'ES'), ('36', 'HU'), ('39', 'IT'), ('40', 'RO'), ('41', 'CH'), ('43', 'AT'), ('44', 'GB'),
    ('45', 'DK'), ('46', 'SE'), ('47', 'NO'), ('48', 'PL'), ('49', 'DE'), ('51', 'PE'), ('52', 'MX'),
    ('54', 'AR'), ('55', 'BR'), ('56', 'CL'), ('57', 'CO'), ('60', 'MY'), ('61', 'AU'), ('62', 'ID'),
    ('63', 'PH'), ('64', 'NZ'), ('65', 'SG'), ('66', 'TH'), ('81', 'JP'), ('82', 'KR'), ('84', 'VN'),
    ('86', 'CN'), ('90', 'TR'), ('91', 'IN'), ('92', 'PK'), ('94', 'LK'), ('212', 'MA'), ('216', 'TN'),
    ('234', 'NG'), ('254', 'KE'), ('351', 'PT'), ('352', 'LU'), ('353', 'IE'), ('354', 'IS'), ('356', 'MT'),
    ('357', 'CY'), ('358', 'FI'), ('359', 'BG'), ('370', 'LT'), ('371', 'LV'), ('372', 'EE'), ('380', 'UA'),
    ('381', 'RS'), ('385', 'HR'), ('386', 'SI'), ('420', 'CZ'), ('421', 'SK'), ('852', 'HK'), ('886', 'TW'),
    ('880', 'BD'), ('966', 'SA'), ('971', 'AE'), ('972', 'IL')
on conflict (prefix) do update set country = excluded.country;

-- What may have been sent, of which nothing was heard, and codes that are over.
-- rows of cron.job by jobname: schedule, command where jobname like 'whatsapp-%'
select cron.schedule('whatsapp-settle-unknown', '*/5 * * * *', 'select private.settle_unknown_whatsapp()');
select cron.schedule('whatsapp-prune', '57 3 * * *', 'select private.prune_whatsapp()');
-- Some thousands at once, several times a night.
select cron.schedule('whatsapp-prune-jobs', '*/10 5 * * *', 'select private.prune_scheduled_jobs()');

-- Who sends, and who does what is to come for people: reminders and rules.
-- rows of private.task_kinds by kind: function where kind in ('send_whatsapp', 'run_scheduled_job', 'run_automation')
insert into private.task_kinds (kind, function) values
    ('send_whatsapp', 'send-whatsapp-message'), ('run_scheduled_job', 'schedule-reminder'),
    ('run_automation', 'trigger-automation')
on conflict (kind) do update set function = excluded.function;
